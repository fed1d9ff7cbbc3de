// A click model's file as a function of features. Margins are summed in double precision: they differ from those of
// Python, which are sums of floats, in the last digits of a float.
#pragma once
#include <cmath>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "../data/features.hpp"
#include "schema.hpp"
#include "weights.hpp"

namespace schuss {

// One entry of an example: no (id, field) twice in it.
struct Feature {
  std::uint32_t id;
  float value = 1;
  std::uint16_t field = 0;
};

class Predictor {
 public:
  // Throws std::runtime_error, which names the file and the reason, if it is no whole model of this version.
  explicit Predictor(const std::string& path) {
    try {
      TensorFile file(path);
      read(file);
    } catch (const std::invalid_argument& error) {
      throw std::runtime_error(path + ": " + error.what());
    }
  }

  const std::optional<TextFormat>& format() const { return format_; }
  int bits() const { return bits_; }

  // ---- features by hand: fields from 0, as in the model's format --------------------------------------------------

  Feature category(int field, std::string_view value) const {
    return {schema().id(hash_bytes(start(field), value.data(), value.size())), 1, std::uint16_t(field)};
  }

  Feature quantity(int field, double x) const {
    if (!std::isfinite(x))
      throw std::invalid_argument("quantity: expected a finite number; a missing one is category(field, \"\")");
    const bool log = schema().numeric == Numeric::log;
    const std::uint64_t hash = log ? Schema::bin_hash(start(field), log_bin(x)) : quantity_hash(start(field));
    const double raw = schema().numeric == Numeric::plain ? x : std::copysign(std::log1p(std::fabs(x)), x);
    return {schema().id(hash), log ? 1.0f : float(raw), std::uint16_t(field)};
  }

  // ---- scores -------------------------------------------------------------------------------------------------------

  // A feature's rows and value, on their way into a sum.
  struct Term {
    const float* w;
    const float* v;
    double x;
    std::uint16_t field;
  };

  float margin(const std::vector<Feature>& example) const {
    std::vector<Term> memory;
    return margin(std::int64_t(example.size()), [&](std::int64_t i) { return example[std::size_t(i)]; }, memory);
  }

  // get(i) is the i-th of n features. Throws std::out_of_range for an id or a field that the model cannot have.
  template <class Get>
  float margin(std::int64_t n, Get get, std::vector<Term>& terms) const {
    terms.clear();
    double squares = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      const Feature f = get(i);
      if (f.id >> bits_)
        throw std::out_of_range("id: expected one below 2**" + std::to_string(bits_) + ", got " + std::to_string(f.id));
      if (fields_ > 0 && f.field >= fields_)
        throw std::out_of_range("field: the model has " + std::to_string(fields_) + ", got " + std::to_string(f.field));
      terms.push_back({linear_.find(f.id), factors_.find(f.id), double(f.value), f.field});
      squares += terms.back().x * terms.back().x;
    }
    if (normalise_ && squares > 0)
      for (Term& t : terms) t.x = double(float(t.x / std::sqrt(squares)));
    const float* const bias = linear_.find(std::uint32_t(1) << bits_);
    double sum = bias ? double(*bias) : 0;
    for (const Term& t : terms) sum += t.w ? double(*t.w) * t.x : 0;
    if (dim_ > 0) sum += fields_ > 0 ? ffm_pairs(terms) : fm_pairs(terms);
    return float(sum);
  }

  // The margin through the loss's link: a probability, a rate, class 0 or 1 for hinge, the number itself for squared.
  float prediction(float margin) const {
    switch (loss_) {
      case Loss::logistic: return float(1 / (1 + std::exp(-double(margin))));
      case Loss::poisson: return float(std::exp(double(margin)));
      case Loss::hinge: return margin > 0 ? 1.0f : 0.0f;
      case Loss::squared: break;
    }
    return margin;
  }

 private:
  enum class Loss { logistic, squared, hinge, poisson };

  void read(TensorFile& file) {
    const Json& outer = file.metadata;
    check_version(outer.at("format"), "written by another schuss, in format ");
    const Json& header = outer.at("header");
    const Json* const what = header.find("kind");
    if (!what || !what->is_text() || what->text() != "ctr") throw std::invalid_argument("not a click model");
    check_version(header.at("version"), "a model of version ");
    const std::string kind = header.at("model").text();
    if (kind != "lr" && kind != "fm" && kind != "ffm") throw std::invalid_argument("unknown model '" + kind + "'");
    loss_ = one_of<Loss>(
        header.at("loss"),
        {{"logistic", Loss::logistic}, {"squared", Loss::squared}, {"hinge", Loss::hinge}, {"poisson", Loss::poisson}},
        "loss");
    normalise_ = header.at("normalise").boolean();
    bits_ = header.at("bits").whole<int>(1, 31);
    dim_ = kind == "lr" ? 0 : header.at("dim").whole<int>(1, 1024);
    const Json& fields = header.at("fields");
    fields_ = kind != "ffm" ? 0 : fields.null() ? 1 : fields.whole<int>(1, 65535);
    if (!header.at("format").null()) format_ = text_format(header.at("format"));
    if (format_ && format_->schema.bits != bits_)
      throw std::invalid_argument("bits of model and format differ; the file is damaged");
    const std::int64_t ids = std::int64_t(1) << bits_;
    linear_ = file.weights("linear", 1, ids + 1);
    if (dim_ > 0) factors_ = file.weights("factors", std::int64_t(dim_) * std::max(fields_, 1), ids);
  }

  static void check_version(const Json& given, const std::string& what) {
    const int found = given.whole<int>(0, 1 << 30);
    if (found != 1) throw std::invalid_argument(what + std::to_string(found) + "; this predictor reads 1");
  }

  const Schema& schema() const {
    if (!format_) throw std::invalid_argument("format: the model was trained on arrays; its features are ids");
    return format_->schema;
  }

  std::uint64_t start(int field) const {
    if (field < 0 || field >= schema().fields)
      throw std::out_of_range("field: expected 0 to below " + std::to_string(schema().fields) + ", got " +
                              std::to_string(field));
    return schema().starts[std::size_t(field)];
  }

  // sum_{i<j} <v_i, v_j> x_i x_j = sum_k ((sum_i v_ik x_i)^2 - sum_i (v_ik x_i)^2) / 2
  double fm_pairs(const std::vector<Term>& terms) const {
    double pairs = 0;
    for (int k = 0; k < dim_; ++k) {
      double sum = 0, own = 0;
      for (const Term& t : terms) {
        const double term = t.v ? double(t.v[k]) * t.x : 0;
        sum += term;
        own += term * term;
      }
      pairs += (sum * sum - own) / 2;
    }
    return pairs;
  }

  // sum_{i<j} <v_{i,f_j}, v_{j,f_i}> x_i x_j
  double ffm_pairs(const std::vector<Term>& terms) const {
    double pairs = 0;
    for (auto a = terms.begin(); a != terms.end(); ++a)
      for (auto b = terms.begin(); a->v && b != a; ++b) {
        if (!b->v) continue;
        const float *const v = a->v + b->field * dim_, *const u = b->v + a->field * dim_;
        double dot = 0;
        for (int k = 0; k < dim_; ++k) dot += double(v[k]) * double(u[k]);
        pairs += dot * a->x * b->x;
      }
    return pairs;
  }

  Loss loss_ = Loss::logistic;
  bool normalise_ = false;
  int bits_ = 1, dim_ = 0, fields_ = 0;  // dim 0: linear; fields 0: no ffm
  std::optional<TextFormat> format_;
  Weights linear_, factors_;
};

}  // namespace schuss
