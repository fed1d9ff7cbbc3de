"""What torch, Keras, optax and the papers call each rule, and how their formulas and defaults differ: one table.

What stands under `only` is the formula, the rest are defaults.
"""

from __future__ import annotations

from .convention import Convention
from .differences import (
    adafactor_of_optax,
    adan_of_optax,
    always,
    if_decayed,
    if_scheduled,
    late_maximum,
    scheduled_decay,
)

NO_EPS = 1e-30  # where a paper has none: 0 / 0 is then 0, and nothing else changes
CONSTANT = 1e6  # of NAdam's momentum_decay: 0.96^momentum_decay is 0, so the momentum is beta1 from the first step on


_KERAS = {"decoupled": True}  # Keras' weight_decay is w -= lr weight_decay w, before the step, for every rule
_FORM = {"form": "keras"}  # lr scales what enters the velocity
_PLAIN = {"dampening": 0.0}
_OUTSIDE, _INSIDE, _HAT = {"eps_place": "outside"}, {"eps_place": "inside"}, {"eps_place": "hat"}
_NADAM = {"lr": 2e-3, "eps": 1e-8, "momentum_decay": 4e-3}
_ADAM_OF_KERAS = {"lr": 1e-3, "eps": 1e-7}
_FREE = {"power": 0.0}
_WEIGHED = "optax weighs each step by the schedule's next value, and by its largest so far"

CONVENTIONS: dict[str, dict[str, Convention]] = {
    "SGD": {
        "torch": Convention("SGD", {"lr": 1e-3}, only={"decoupled": False}),
        "keras": Convention("SGD", {"lr": 0.01}, only=_KERAS),
        "optax": Convention("sgd"),
        "paper": Convention("Robbins & Monro 1951"),
    },
    "Momentum": {
        "torch": Convention(
            "SGD(momentum=)", {"lr": 1e-3, "form": "torch"}, "momentum is 0 by default there", only={"decoupled": False}
        ),
        "keras": Convention(
            "SGD(momentum=)", {"lr": 0.01, **_FORM}, "momentum is 0 by default there", only={**_KERAS, **_PLAIN}
        ),
        "optax": Convention("sgd(momentum=)", {"form": "torch"}, "no default for momentum", only=_PLAIN),
        "paper": Convention("Sutskever et al. 2013, equation 1", _FORM),
    },
    "Nesterov": {
        "torch": Convention(
            "SGD(nesterov=True)",
            {"lr": 1e-3, "form": "torch"},
            "momentum has to be given there",
            only={"decoupled": False},
        ),
        "keras": Convention("SGD(nesterov=True)", {"lr": 0.01, **_FORM}, "momentum is 0 by default there", only=_KERAS),
        "optax": Convention("sgd(nesterov=True)", {"form": "torch"}, "no default for momentum"),
        "paper": Convention("Sutskever et al. 2013, equation 3", _FORM, "w is the paper's look-ahead point"),
    },
    "SGDW": {
        "torch": Convention(
            "SGD(momentum=)", {"lr": 1e-3, "form": "torch"}, differs=if_decayed("torch's SGD has coupled decay only")
        ),
        "keras": Convention(
            "SGD(weight_decay=)", {"lr": 0.01, **_FORM}, "weight_decay is None by default there", only=_PLAIN
        ),
        "paper": Convention("Loshchilov & Hutter 2019, Algorithm 1", _FORM, differs=scheduled_decay),
    },
    "CounterClock": {"paper": Convention("Dive into Deep Learning, 12.7.1")},
    "AdaGrad": {
        "torch": Convention(
            "Adagrad",
            {"lr": 0.01, "eps": 1e-10, "initial_accumulator": 0.0},
            only={**_OUTSIDE, "decoupled": False},
        ),
        "keras": Convention(
            "Adagrad",
            {"lr": 1e-3, "eps": 1e-7, "initial_accumulator": 0.1},
            only={**_INSIDE, "lr_decay": 0.0, **_KERAS},
        ),
        "optax": Convention("adagrad", {"eps": 1e-7, "initial_accumulator": 0.1}, only={**_INSIDE, "lr_decay": 0.0}),
        "paper": Convention(
            "Duchi et al. 2011, Figure 1", {**_OUTSIDE, "initial_accumulator": 0.0}, "eps is its delta"
        ),
    },
    "RowWiseAdaGrad": {
        "paper": Convention("Mudigere et al. 2022", {"eps": 1e-8, **_OUTSIDE}, "eps is FBGEMM's"),
    },
    "AdaDelta": {
        "torch": Convention("Adadelta", {"lr": 1.0, "rho": 0.9, "eps": 1e-6}, only={"decoupled": False}),
        "keras": Convention("Adadelta", {"lr": 1e-3, "rho": 0.95, "eps": 1e-7}, only=_KERAS),
        "optax": Convention("adadelta", {"rho": 0.9, "eps": 1e-6}),
        "paper": Convention("Zeiler 2012, Algorithm 1", {"lr": 1.0, "rho": 0.95, "eps": 1e-6}),
    },
    "RMSprop": {
        "torch": Convention(
            "RMSprop",
            {"lr": 0.01, "alpha": 0.99, "eps": 1e-8, "form": "torch"},
            only={**_OUTSIDE, "decoupled": False},
        ),
        "keras": Convention("RMSprop", {"lr": 1e-3, "alpha": 0.9, "eps": 1e-7, **_FORM}, only={**_INSIDE, **_KERAS}),
        "optax": Convention("rmsprop", {"alpha": 0.9, "eps": 1e-8, **_INSIDE, **_FORM}, "eps_place is eps_in_sqrt"),
        "paper": Convention(
            "Tieleman & Hinton 2012", {"lr": 1e-3, "alpha": 0.9, "eps": NO_EPS, **_FORM}, "the lecture has no eps"
        ),
    },
    "Adam": {
        "torch": Convention("Adam", {"lr": 1e-3, "eps": 1e-8, **_OUTSIDE}, "SparseAdam has eps_place 'hat'"),
        "keras": Convention("Adam", _ADAM_OF_KERAS, only={**_HAT, **_KERAS}),
        "optax": Convention("adam", {"eps": 1e-8}, differs=late_maximum, only=_OUTSIDE),
        "paper": Convention("Kingma & Ba 2015, Algorithm 1", {"lr": 1e-3, "eps": 1e-8, **_OUTSIDE}),
    },
    "AdamW": {
        "torch": Convention("AdamW", {"lr": 1e-3, "eps": 1e-8, "weight_decay": 0.01}, only=_OUTSIDE),
        "keras": Convention("AdamW", {**_ADAM_OF_KERAS, "weight_decay": 0.004}, only=_HAT),
        "optax": Convention("adamw", {"eps": 1e-8, "weight_decay": 1e-4}, differs=late_maximum, only=_OUTSIDE),
        "paper": Convention(
            "Loshchilov & Hutter 2019, Algorithm 2", {"eps": 1e-8, **_OUTSIDE}, differs=scheduled_decay
        ),
    },
    "AMSGrad": {
        "torch": Convention("Adam(amsgrad=True)", {"lr": 1e-3, "eps": 1e-8}, only=_OUTSIDE),
        "keras": Convention("Adam(amsgrad=True)", _ADAM_OF_KERAS, only={**_HAT, **_KERAS}),
        "optax": Convention("amsgrad", {"eps": 1e-8}, differs=late_maximum, only=_OUTSIDE),
        "paper": Convention(
            "Reddi et al. 2018, Algorithm 2", {"eps": NO_EPS, "bias_correction": False}, "the paper has no eps"
        ),
    },
    "AdaMax": {
        "torch": Convention("Adamax", {"lr": 2e-3, "eps": 1e-8}, only={"eps_place": "max", "decoupled": False}),
        "keras": Convention("Adamax", _ADAM_OF_KERAS, only={**_OUTSIDE, **_KERAS}),
        "optax": Convention("adamax", {"eps": 1e-8}, only={"eps_place": "max"}),
        "paper": Convention(
            "Kingma & Ba 2015, Algorithm 2", {"lr": 2e-3, "eps": NO_EPS, **_OUTSIDE}, "the paper has no eps"
        ),
    },
    "EGU": {"paper": Convention("Kivinen & Warmuth 1997, EGU")},
    "EG": {"paper": Convention("Kivinen & Warmuth 1997, EG")},
    "EGPM": {"paper": Convention("Kivinen & Warmuth 1997, EG+-")},
    "EGDD": {"paper": Convention("Amid et al. 2022")},
    "FTRL": {
        "keras": Convention(
            "Ftrl",
            {"lr": 1e-3, "beta": 0.0, "initial_accumulator": 0.1, "keep_start": False},
            "l2 here is 2 l2_regularization_strength there, power is -learning_rate_power; no shrinkage there",
            differs=if_decayed("Keras' decay shrinks w itself, and its shrinkage leaves n alone; here decay enters g"),
        ),
        "paper": Convention("McMahan et al. 2013, Algorithm 1", {"beta": 1.0, "initial_accumulator": 0.0}),
    },
    "NAdam": {
        "torch": Convention("NAdam", _NADAM),
        "keras": Convention("Nadam", _ADAM_OF_KERAS, only={"momentum_decay": 1.0, **_KERAS}),
        "optax": Convention("nadam", {"eps": 1e-8}, "its momentum is constant", only={"momentum_decay": CONSTANT}),
        "paper": Convention("Dozat 2016", _NADAM),
    },
    "RAdam": {
        "torch": Convention("RAdam", {"lr": 1e-3, "eps": 1e-8}, only=_HAT),
        "optax": Convention("radam", {"eps": 1e-8}, only=_OUTSIDE),
        "paper": Convention(
            "Liu et al. 2020, Algorithm 2", differs=always("the paper rectifies from rho > 4, schuss from rho > 5")
        ),
    },
    "Yogi": {
        "optax": Convention(
            "yogi",
            {"eps": 1e-3, "initial_accumulator": 1e-6, "initial_momentum": 1e-6},
            only={"bias_correction": True},
        ),
        "paper": Convention("Zaheer et al. 2018, Algorithm 2", {"lr": 0.01, "eps": 1e-3, "bias_correction": False}),
    },
    "AdaBelief": {
        "optax": Convention("adabelief", {"eps": 1e-16, "eps_inside": 1e-16}, "eps_inside is eps_root"),
        "paper": Convention("Zhuang et al. 2020, Algorithm 2", {"lr": 1e-3, "eps": 1e-8, "eps_inside": 1e-8}),
    },
    "Lion": {
        "keras": Convention("Lion", {"lr": 1e-3}, only=_KERAS),
        "optax": Convention("lion", {"weight_decay": 1e-3}, only={"decoupled": True}),
        "paper": Convention("Chen et al. 2023, Algorithm 2", {"lr": 1e-4, "decoupled": True}),
    },
    "Rprop": {
        "torch": Convention("Rprop", {"lr": 0.01}, differs=if_decayed("torch's Rprop has no decay")),
        "optax": Convention("rprop", differs=always("optax takes each step one late, with the next gradient")),
        "paper": Convention(
            "Riedmiller & Braun 1993", differs=always("the paper takes a step back where the sign has turned")
        ),
    },
    "SignSGD": {"optax": Convention("sign_sgd"), "paper": Convention("Bernstein et al. 2018, Algorithm 1")},
    "ASGD": {
        "torch": Convention(
            "ASGD",
            {"lr": 0.01, "lambd": 1e-4, "alpha": 0.75, "t0": 1e6},
            differs=if_scheduled("torch's rates follow a schedule one step late"),
            only={"decoupled": False},
        ),
        "paper": Convention("Polyak & Juditsky 1992, rates of Xu 2011"),
    },
    "ScheduleFreeSGD": {
        "optax": Convention(
            "contrib.schedule_free_sgd",
            {"lr": 1.0},
            differs=if_scheduled(_WEIGHED),
            only=_FREE,
        ),
        "paper": Convention("Defazio et al. 2024, equations 3 to 5"),
    },
    "ScheduleFreeAdamW": {
        "keras": Convention(
            "ScheduleFreeAdamW",
            {"lr": 2.5e-3, "eps": 1e-8},
            "its warmup_steps are a schedule here",
            differs=if_decayed("Keras decays w itself before the step, here decay moves z too"),
            only={**_FREE, "lr_power": 0.0},
        ),
        "optax": Convention(
            "contrib.schedule_free_adamw",
            {"lr": 2.5e-3, "eps": 1e-8},
            differs=if_scheduled(_WEIGHED),
            only=_FREE,
        ),
        "paper": Convention(
            "Defazio et al. 2024, Algorithm 1",
            differs=always("the paper has sqrt(1 - beta2^t) in the weights"),
        ),
    },
    "LARS": {
        "optax": Convention("lars", {"trust": 1e-3, "momentum": 0.9}, only={"joint": True}),
        "paper": Convention("You et al. 2017, Algorithm 1", {"joint": False, "trust": 1e-3, "momentum": 0.9}),
    },
    "LAMB": {
        "keras": Convention(
            "Lamb", _ADAM_OF_KERAS, differs=if_decayed("Keras decays w by itself before the step, schuss in the ratio")
        ),
        "optax": Convention("lamb", {"eps": 1e-6}),
        "paper": Convention("You et al. 2020, Algorithm 2", {"eps": 1e-6}, "phi is the identity"),
    },
    "Adafactor": {
        "torch": Convention(
            "Adafactor",
            {"lr": 0.01, "eps1": 2.0**-23},
            "eps1 is float32's epsilon; arrays of one or two dimensions",
            only={"eps_place": "clamp", "relative_step": True, "scale_parameter": True},
        ),
        "keras": Convention(
            "Adafactor",
            {"lr": 1e-3, "eps1": 1e-30},
            "arrays of one or two dimensions",
            differs=if_decayed("Keras measures the weights after their decay, schuss before"),
            only={"eps_place": "square", "relative_step": True, "scale_parameter": True},
        ),
        "optax": Convention(
            "adafactor",
            {"eps1": 1e-30, "factor_from": 128},
            "lr=1 is its learning_rate=None; without momentum; weight_decay is weight_decay_rate / lr; "
            "arrays of more than two dimensions only if not factored",
            differs=adafactor_of_optax,
            only={"eps_place": "square", "relative_step": False},
        ),
        "paper": Convention("Shazeer & Stern 2018, Algorithms 4 and 5"),
    },
    "Adan": {
        "optax": Convention("adan", {}, "with eps_root=0", differs=adan_of_optax, only={"proximal": False}),
        "paper": Convention("Xie et al. 2022, Algorithm 1", note="with the bias correction of its code"),
    },
    "Prodigy": {
        "optax": Convention(
            "contrib.prodigy",
            differs=always(
                "optax corrects rate and estimate for the start at zero, takes the new d in eps, and has one d for "
                "all arrays"
            ),
        ),
        "paper": Convention("Mishchenko & Defazio 2023, Algorithm 4", note="d is of each array, not of all"),
    },
    "Hypergradient": {"paper": Convention("Baydin et al. 2018, Algorithm 4", note="a rate for each array")},
    "Heun": {"paper": Convention("Heun 1900")},
}
