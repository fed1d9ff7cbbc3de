// CTR models: batches checked, then learned or scored in blocks of examples on the team.
#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>
#include <optional>

#include "arrays.hpp"
#include "bind.hpp"
#include "schuss/models/model.hpp"
#include "schuss/train/team.hpp"

namespace schuss {
namespace {

constexpr std::int64_t block = 256;  // examples for which a rule's step is made once

const std::vector<std::string> kinds{"lr", "fm", "ffm"}, losses{"logistic", "squared", "hinge", "poisson"};

int place_of(const std::string& what, const std::string& name, const std::vector<std::string>& all) {
  const auto at = std::find(all.begin(), all.end(), name);
  if (at != all.end()) return int(at - all.begin());
  std::string text = what + ": expected one of";
  for (const auto& each : all) text += " '" + each + "'";
  throw py::value_error(text + ", got '" + name + "'");
}

// An array of a batch; null for None where that may be.
template <class T>
const T* sized(const py::object& o, const std::string& what, std::int64_t size, bool optional = false) {
  if (o.is_none() && !optional) throw py::type_error(what + ": expected a NumPy array, got None");
  const T* const data = readable<T>(o, what);
  if (data) check_shape(View(o.ptr()), {size}, what);
  return data;
}

// Side by side, for vectors.
template <class T>
T largest_of(const T* a, std::int64_t n) {
  constexpr int lanes = 32;
  T most[lanes] = {};
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    for (int k = 0; k < lanes; ++k) most[k] = std::max(most[k], a[i + k]);
  for (; i < n; ++i) most[0] = std::max(most[0], a[i]);
  return *std::max_element(most, most + lanes);
}

// Enough for an example of `entries` entries, with a pack more behind each array. Arrays start on cache lines.
class Memory {
 public:
  Scratch fit(const Model& model, std::int64_t entries) {
    constexpr std::int64_t pack = 16;
    const std::int64_t numbers = model.kind == Kind::lr ? 0 : model.factors.dim;
    const std::int64_t terms = model.dim * entries + pack;
    return {lines(ids_, entries + 1 + pack),
            lines(keys_, entries),
            lines(linear_, entries + 1 + pack),
            lines(x_, terms),
            lines(terms_, terms),
            lines(factors_, numbers * entries + pack),
            lines(sum_, model.dim + pack),
            held(model.linear, entries + 1, linear_rows_, linear_numbers_),
            held(model.factors, model.kind == Kind::fm ? entries : 0, factor_rows_, factor_numbers_),
            field_rows(model)};
  }

 private:
  FieldRows field_rows(const Model& model) {
    if (model.kind != Kind::ffm) return {};
    constexpr std::int64_t pack = 16;
    const std::int64_t places = model.fields + pack;
    return {lines(field_rows_, places),          lines(field_x_, places * model.dim),
            lines(nobody_, model.factors.width), lines(pair_sums_, places),
            lines(pair_packs_, places * pack),   lines(pair_steps_, places * std::int64_t(pair_step_bytes))};
  }

  template <class T>
  static T* lines(std::vector<T>& all, std::int64_t size) {
    constexpr std::uintptr_t line = 64;
    const auto most = std::size_t(size) + line / sizeof(T);
    if (all.size() < most) all.resize(most);
    const auto first = reinterpret_cast<std::uintptr_t>(all.data());
    return reinterpret_cast<T*>((first + line - 1) / line * line);
  }

  static HeldRows held(const Part& part, std::int64_t n, std::vector<const char*>& rows, std::vector<float>& numbers) {
    constexpr std::int64_t pack = 16;
    const std::int64_t stride = (n * part.dim / pack + 2) * pack;
    return {lines(rows, n + pack), lines(numbers, (1 + part.slots) * stride), stride};
  }

  std::vector<std::int64_t> ids_;
  std::vector<std::uint64_t> keys_;
  std::vector<const char*> linear_rows_, factor_rows_;
  std::vector<float*> field_rows_;
  std::vector<PairSums> pair_sums_;
  std::vector<std::byte> pair_steps_;
  std::vector<float> linear_, x_, terms_, factors_, sum_, linear_numbers_, factor_numbers_, field_x_, nobody_,
      pair_packs_;
};

class Learner {
 public:
  using Name = std::pair<std::string, int>;
  using Starts = std::vector<std::pair<double, double>>;

  Learner(const py::capsule& table, const std::string& kind, int bits, std::int64_t dim, std::int64_t fields,
          const py::object& linear, std::int64_t linear_offset, const Name& linear_kernel, const Starts& linear_start,
          const py::object& factors, const std::optional<Name>& factors_kernel, const Starts& factors_start,
          std::int64_t factors_pitch, const std::string& loss, std::uint64_t seed, double scale)
      : hot_(table.get_pointer<Hot>()), owners_{linear, factors} {
    model_.kind = Kind(place_of("kind", kind, kinds));
    model_.loss = MarginLoss(place_of("loss", loss, losses));
    if (bits < 1 || bits > 31) throw py::value_error("bits: expected 1 to 31, got " + std::to_string(bits));
    model_.bits = bits;
    model_.dim = model_.kind == Kind::lr ? 0 : dim;
    model_.fields = model_.kind == Kind::ffm ? fields : 0;
    if (model_.kind != Kind::lr && dim < 1)
      throw py::value_error("dim: expected at least 1, got " + std::to_string(dim));
    if (model_.kind == Kind::ffm && (fields < 1 || fields > 65536))
      throw py::value_error("fields: expected 1 to 65536, got " + std::to_string(fields));
    model_.seed = seed;
    model_.scale = float(scale);
    const std::int64_t rows = std::int64_t(1) << bits;
    set(model_.linear, linear, "linear", rows + 1, linear_offset, 1, 1, linear_kernel, linear_start, linear_hypers_);
    if (model_.kind != Kind::lr)
      set(model_.factors, factors, "factors", rows, 0, model_.kind == Kind::fm ? dim : dim * fields, factors_pitch,
          factors_kernel.value_or(Name{"None", 0}), factors_start, factors_hypers_);
    model_.joined = linear_offset > 0;
  }

  py::tuple learn(const py::object& indptr, const py::object& ids, const py::object& values, const py::object& fields,
                  const py::object& labels, const py::object& weights, const py::object& repeats,
                  const std::vector<double>& linear_options, const std::vector<double>& factors_options,
                  std::int64_t seen, int threads, bool hogwild, const py::object& out) {
    Examples all = examples(indptr, ids, values, fields);
    all.labels = sized<float>(labels, "labels", all.n);
    all.weights = sized<float>(weights, "weights", all.n, true);
    all.repeats = sized<std::uint8_t>(repeats, "repeats", all.n);
    check_options(linear_options, linear_hypers_, "linear_options");
    if (model_.kind != Kind::lr) check_options(factors_options, factors_hypers_, "factors_options");
    float* const margins = margins_of(out, all.n, true);
    py::gil_scoped_release release;
    const std::lock_guard<std::mutex> alone(mutex_);
    const std::int64_t most = most_entries(all);
    const std::int64_t tasks = (all.n + block - 1) / block;
    std::vector<Lesson> lessons(static_cast<std::size_t>(tasks));
    const int members = hogwild ? std::max(1, std::min(threads, Team::most)) : 1;
    std::vector<Scratch> scratch = memories(members, most);
    Team::get().run(tasks, members, [&](std::int64_t task, int member) {
      Lesson& lesson = lessons[std::size_t(task)];
      lesson = {&model_,
                all,
                task * block,
                std::min(all.n, (task + 1) * block),
                {linear_options.data()},
                {factors_options.data()},
                seen + task * block,
                scratch[std::size_t(member)],
                margins};
      hot_->trainer->learn(lesson);
    });
    double loss = 0, weight = 0;
    for (const Lesson& lesson : lessons) {
      loss += lesson.loss;
      weight += lesson.weight;
    }
    const py::gil_scoped_acquire acquire;
    return py::make_tuple(loss, weight);
  }

  void score(const py::object& indptr, const py::object& ids, const py::object& values, const py::object& fields,
             int threads, const py::object& out) {
    const Examples all = examples(indptr, ids, values, fields);
    float* const margins = margins_of(out, all.n, false);
    py::gil_scoped_release release;
    const std::lock_guard<std::mutex> alone(mutex_);
    const int members = std::max(1, std::min(threads, Team::most));
    std::vector<Scratch> scratch = memories(members, most_entries(all));
    Team::get().run((all.n + block - 1) / block, members, [&](std::int64_t task, int member) {
      Lesson lesson{&model_,
                    all,
                    task * block,
                    std::min(all.n, (task + 1) * block),
                    nullptr,
                    nullptr,
                    0,
                    scratch[std::size_t(member)],
                    margins};
      hot_->trainer->score(lesson);
    });
  }

 private:
  // Rows begin `offset` numbers into those of the array.
  void set(Part& part, const py::object& array, const std::string& what, std::int64_t rows, std::int64_t offset,
           std::int64_t dim, std::int64_t pitch, const Name& name, const Starts& start, int& hypers) const {
    const Kernel* const kernel = &kernel_of(*hot_, name.first, name.second);
    if (kernel->group == 2)
      throw py::value_error(
          what + "_kernel: " + name.first +
          " shares numbers over the whole array and cannot learn example by example; use another rule");
    if (int(start.size()) != kernel->slots + kernel->shared || kernel->shared > most_shared)
      throw py::value_error(what + "_start: expected " + std::to_string(kernel->slots + kernel->shared) +
                            " numbers, got " + std::to_string(start.size()));
    const View a = writable(array, what);
    if (pitch < dim)
      throw py::value_error(what + "_pitch: expected at least " + std::to_string(dim) + ", got " +
                            std::to_string(pitch));
    const std::int64_t used = pitch * (1 + kernel->slots) + kernel->shared, need = offset + used;
    check_number(a, array, f32, what);
    if (a.dims != 2 || a.shape[0] != rows || a.shape[1] < need)
      throw py::value_error(what + ": expected shape (" + std::to_string(rows) + ", at least " + std::to_string(need) +
                            "), got " + shape_text(a));
    part = {reinterpret_cast<float*>(a.data) + offset,
            a.shape[1],
            used,
            dim,
            pitch,
            &kernel->number[f32],
            kernel->slots,
            kernel->shared,
            {},
            false};
    for (std::size_t i = 0; i < start.size(); ++i) {
      part.start[i] = {float(start[i].first), float(start[i].second)};
      part.starts = part.starts || start[i].first != 0;
    }
    hypers = kernel->hypers;
  }

  // Everything but labels. Ids and fields are checked here: what they index is written to.
  Examples examples(const py::object& indptr, const py::object& ids, const py::object& values,
                    const py::object& fields) const {
    Examples all{};
    if (!View::is(indptr.ptr())) throw py::type_error("indptr: expected a NumPy array, got " + type_name(indptr));
    all.n = View(indptr.ptr()).size - 1;
    if (all.n < 0) throw py::value_error("indptr: expected at least one number, got none");
    all.indptr = sized<std::int64_t>(indptr, "indptr", all.n + 1);
    if (all.indptr[0] != 0) throw py::value_error("indptr: expected 0 first, got " + std::to_string(all.indptr[0]));
    for (std::int64_t i = 0; i < all.n; ++i)
      if (all.indptr[i + 1] < all.indptr[i])
        throw py::value_error("indptr: expected ascending numbers, got " + std::to_string(all.indptr[i + 1]) +
                              " after " + std::to_string(all.indptr[i]));
    const std::int64_t size = all.indptr[all.n];
    all.ids = sized<std::uint32_t>(ids, "ids", size);
    all.values = sized<float>(values, "values", size, true);
    all.fields = sized<std::uint16_t>(fields, "fields", size, true);
    const std::uint32_t largest = largest_of(all.ids, size);
    if (std::uint64_t(largest) >> model_.bits)
      throw py::index_error("batch: id " + std::to_string(largest) +
                            " needs more than bits=" + std::to_string(model_.bits) + "; make it with the model's bits");
    if (model_.kind == Kind::ffm) {
      if (!all.fields) throw py::type_error("fields: an ffm needs the field of each entry, got None");
      const std::uint16_t most = largest_of(all.fields, size);
      if (size > 0 && most >= model_.fields)
        throw py::index_error("batch: field " + std::to_string(most) + " is beyond the model's fields=" +
                              std::to_string(model_.fields) + "; give fields=" + std::to_string(most + 1));
    }
    return all;
  }

  static float* margins_of(const py::object& out, std::int64_t n, bool optional) {
    if (optional && out.is_none()) return nullptr;
    const View a = writable(out, "out");
    check_number(a, out, f32, "out");
    check_shape(a, {n}, "out");
    return reinterpret_cast<float*>(a.data);
  }

  static void check_options(const std::vector<double>& options, int hypers, const std::string& what) {
    if (int(options.size()) != Options::common + hypers)
      throw py::value_error(what + ": expected " + std::to_string(Options::common + hypers) + " numbers, got " +
                            std::to_string(options.size()));
  }

  static std::int64_t most_entries(const Examples& all) {
    std::int64_t most = 0;
    for (std::int64_t i = 0; i < all.n; ++i) most = std::max(most, all.indptr[i + 1] - all.indptr[i]);
    return most;
  }

  std::vector<Scratch> memories(int members, std::int64_t most) {
    if (int(memories_.size()) < members) memories_.resize(std::size_t(members));
    std::vector<Scratch> all;
    for (int i = 0; i < members; ++i) all.push_back(memories_[std::size_t(i)].fit(model_, most));
    return all;
  }

  const Hot* hot_;
  py::object owners_[2];  // of the tables
  Model model_{};
  int linear_hypers_ = 0, factors_hypers_ = 0;
  std::vector<Memory> memories_;
  std::mutex mutex_;
};

}  // namespace

void bind_learner(py::module_& m) {
  py::class_<Learner>(m, "Learner", py::module_local())
      .def(py::init<const py::capsule&, const std::string&, int, std::int64_t, std::int64_t, const py::object&,
                    std::int64_t, const Learner::Name&, const Learner::Starts&, const py::object&,
                    const std::optional<Learner::Name>&, const Learner::Starts&, std::int64_t, const std::string&,
                    std::uint64_t, double>())
      .def("learn", &Learner::learn)
      .def("score", &Learner::score);
}

}  // namespace schuss
