// Word vectors: text and tables checked, then learned in pieces on the team.
#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <mutex>

#include "arrays.hpp"
#include "bind.hpp"
#include "schuss/models/word_memory.hpp"
#include "schuss/models/word_walk.hpp"
#include "schuss/train/team.hpp"

namespace schuss {
namespace {

class WordLearner {
 public:
  using Name = std::pair<std::string, int>;
  using Rounds = std::pair<std::int64_t, std::int64_t>;  // tokens of a part, gradients that a row takes in full

  WordLearner(const py::capsule& table, const Name& name, const py::object& in, const py::object& out, std::int64_t dim,
              bool cbow, bool tree, int window, int negative, std::int64_t share, const py::object& keep,
              const py::object& choice, const py::object& group_start, const py::object& group, std::uint64_t seed,
              const Rounds& summed, const Rounds& planned)
      : hot_(table.get_pointer<Hot>()), seed_(seed), rounds_{summed, planned}, owners_{in,     out,         keep,
                                                                                       choice, group_start, group} {
    const Kernel& kernel = kernel_of(*hot_, name.first, name.second);
    hypers_ = kernel.hypers;
    for (const auto& [part, most] : rounds_) {
      if (part < 1 || piece_tokens % (parts_of_round * part) != 0)
        throw py::value_error("part: expected a part of " + std::to_string(piece_tokens / parts_of_round));
      at_least("most", most, 1);
    }
    model_.cbow = cbow;
    model_.tree = tree;
    model_.window = at_least("window", window, 1);
    model_.negative = tree ? 0 : at_least("negative", negative, 1);
    model_.share = int(at_least("shared_negatives", std::min<std::int64_t>(share, 2 * std::int64_t(window)), 1));
    model_.keep = readable<std::uint32_t>(keep, "keep");
    model_.words = model_.keep ? View(keep.ptr()).size : 0;
    if (model_.words < 2) throw py::value_error("keep: expected numbers of at least two words");
    if (kernel.group == 2) throw py::value_error("rule: " + name.first + " shares numbers over the whole array");
    set(model_.in, in, "in", at_least("dim", dim, 1), kernel);
    set(model_.out, out, "out", dim, kernel);
    std::int64_t path = 0, longest = 1;
    if (tree) {
      const auto pair = choice.cast<py::tuple>();
      model_.path_start = starts(pair[0], "path_start");
      model_.path = sized<std::uint32_t>(pair[1], "path", {model_.path_start[model_.words]});
      path = check_rows("path", model_.path_start, model_.path, 2 * model_.out.count);
    } else {
      model_.alias = sized<std::uint32_t>(choice, "alias", {model_.words, 2});
      for (std::int64_t i = 0; i < model_.words; ++i)
        if (model_.alias[2 * i + 1] >= model_.words) throw py::index_error("alias: names a word that is not there");
    }
    if (!group_start.is_none()) {
      model_.group_start = starts(group_start, "group_start");
      model_.group = sized<std::uint32_t>(group, "group", {model_.group_start[model_.words]});
      longest = check_rows("group", model_.group_start, model_.group, model_.in.count);
    }
    if (model_.in.count < model_.words || (!tree && model_.out.count < model_.words))
      throw py::value_error("in, out: expected a row for each of " + std::to_string(model_.words) + " words");
    sizes_ = sizes_of(model_, path, longest);
  }

  // The text that is learned: kept until another is set.
  void text(const py::object& ids, const py::object& indptr) {
    const std::int64_t sentences = View::is(indptr.ptr()) ? View(indptr.ptr()).size - 1 : 0;
    const auto* const border = sized<std::int64_t>(indptr, "indptr", {sentences + 1});
    if (sentences < 0 || border[0] != 0) throw py::value_error("indptr: expected 0 first");
    for (std::int64_t i = 0; i < sentences; ++i)
      if (border[i + 1] < border[i]) throw py::value_error("indptr: expected ascending numbers");
    const std::int64_t tokens = border[sentences];
    const auto* const all = sized<std::uint32_t>(ids, "ids", {tokens});
    std::uint32_t largest = 0;
    for (std::int64_t i = 0; i < tokens; ++i) largest = std::max(largest, all[i]);
    if (tokens > 0 && largest >= model_.words)
      throw py::index_error("ids: expected numbers below " + std::to_string(model_.words) + ", got " +
                            std::to_string(largest));
    text_owners_[0] = ids;
    text_owners_[1] = indptr;
    ids_ = all;
    indptr_ = border;
    sentences_ = sentences;
    tokens_ = tokens;
  }

  // Tokens of pieces first, first + 1, ..., one for each rate. Returns loss, predictions and kept words.
  py::tuple learn(std::int64_t first, std::int64_t epoch, const std::vector<double>& rates,
                  const std::vector<double>& options, std::int64_t seen, int threads, bool hogwild) {
    const auto pieces = std::int64_t(rates.size());
    if (first < 0 || (first + pieces - 1) * piece_tokens >= std::max<std::int64_t>(tokens_, 1))
      throw py::index_error("first: the text has no such piece");
    if (int(options.size()) != Options::common + hypers_)
      throw py::value_error("options: expected " + std::to_string(Options::common + hypers_) + " numbers");
    threads = std::max(1, std::min(threads, Team::most));
    py::gil_scoped_release release;
    const std::lock_guard<std::mutex> alone(mutex_);
    while (int(desks_.size()) < threads) desks_.push_back(std::make_unique<Desk>(model_, sizes_));
    const std::uint64_t key = epoch_key(seed_, epoch);
    Total total;
    const auto lesson_of = [&](std::int64_t piece, const std::vector<double>& at, std::int64_t sentence,
                               std::int64_t from, std::int64_t to, int member, WordLoss& loss) {
      return WordLesson{&model_,
                        ids_,
                        indptr_,
                        sentence,
                        std::min(from, tokens_),
                        std::min(to, tokens_),
                        key,
                        {at.data()},
                        coarse(seen + piece * piece_tokens + 1),
                        desks_[std::size_t(member)]->scratch(),
                        sizes_,
                        nullptr,
                        nullptr,
                        nullptr,
                        &loss,
                        touched_.data(),
                        rounds_[1].second};
    };
    if (hogwild) {
      std::vector<Total> each(static_cast<std::size_t>(pieces));
      Team::get().run(pieces, threads, [&](std::int64_t piece, int member) {
        const std::vector<double> at = at_rate(options, rates[std::size_t(piece)]);
        const std::int64_t from = (first + piece) * piece_tokens;
        WordLoss loss;
        WordLesson lesson = lesson_of(piece, at, sentence_of(from), from, from + piece_tokens, member, loss);
        hot_->words->learn(lesson);
        each[std::size_t(piece)].add(lesson);
        each[std::size_t(piece)].loss = loss.total();
      });
      for (const Total& t : each) {
        total.add(t);
        total.loss += t.loss;
      }
    } else {
      const bool planned = descends(at_rate(options, *std::max_element(rates.begin(), rates.end())), seen + 1);
      int shards = 1;
      while (shards < std::min(threads, most_shards)) shards *= 2;
      const std::int64_t tokens = rounds_[planned].first, most = rounds_[planned].second;
      make_room(planned, tokens, shards);
      const std::int64_t round = parts_of_round * tokens, end = std::min((first + pieces) * piece_tokens, tokens_);
      WordLoss losses[parts_of_round];
      // Sentences are looked for once: by the plan, or where there is none by the lesson.
      const auto lesson_at = [&](const std::vector<double>& at, std::int64_t begin, std::int64_t part, int member,
                                 bool look) {
        const std::int64_t from = begin + part * tokens, sentence = look ? sentence_of(from) : 0;
        return lesson_of(begin / piece_tokens - first, at, sentence, from, from + tokens, member, losses[part]);
      };
      const auto plan_part = [&](std::int64_t begin, std::int64_t part, int member) {
        if (planned && begin < end) plan(lesson_at(options, begin, part, member, true), plan_of(begin / round, part));
      };
      const auto count = [&](std::int64_t number) {
        for (int part = 0; part < parts_of_round; ++part) {
          const std::int64_t now = ++counted_;
          for_outputs(plan_of(number, part), [&](std::int64_t id) {
            WordTouch& touch = touched_[std::size_t(id)];
            const bool before = touch.part >= now - part;  // seen in this round
            touch.count = before ? touch.count + 1 : 1;
            touch.shared = before && (touch.shared || touch.part != now);
            touch.part = now;
          });
        }
      };
      if (planned) {
        Team::get().run(parts_of_round, threads,
                        [&](std::int64_t part, int member) { plan_part(first * piece_tokens, part, member); });
        count(first * piece_tokens / round);
      }
      for (std::int64_t begin = first * piece_tokens; begin < end; begin += round) {
        const std::int64_t piece = begin / piece_tokens - first, number = begin / round;
        const std::vector<double> at = at_rate(options, rates[std::size_t(piece)]);
        Total each[parts_of_round];
        Team::get().run(parts_of_round, threads, [&](std::int64_t part, int member) {
          WordLesson lesson = lesson_at(at, begin, part, member, !planned);
          Desk& desk = *desks_[std::size_t(member)];
          lesson.in_terms = heaps_[0]->parts[part];
          lesson.out_terms = heaps_[1]->parts[part];
          lesson.in_terms->place = desk.places(0, model_.in.count);
          lesson.out_terms->place = desk.places(1, model_.out.count);
          if (planned) lesson.plan = &plan_of(number, part);
          hot_->words->learn(lesson);
          each[part].add(lesson);
          plan_part(begin + round, part, member);
        });
        for (const Total& t : each) total.add(t);
        // Shards of both tables by turns, so that each member's own are some of both; then the next round is counted.
        Team::get().run(2 * shards + planned, threads, [&](std::int64_t task, int member) {
          if (task == 2 * shards) {
            if (begin + round < end) count(number + 1);
            return;
          }
          const int which = int(task % 2);
          Desk& desk = *desks_[std::size_t(member)];
          WordShard shard{};
          shard.table = which ? &model_.out : &model_.in;
          shard.terms = heaps_[which]->parts;
          shard.kept = !planned ? WordKept::sums : which == 0 ? WordKept::copies : WordKept::moves;
          shard.shard = int(task / 2);
          shard.most = most;
          shard.options = {at.data()};
          shard.time = coarse(seen + piece * piece_tokens + 1);
          shard.place = desk.places(which, shard.table->count);
          desk.lend(heaps_[which]->terms, shard);
          hot_->words->apply(shard);
        });
      }
      for (const WordLoss& loss : losses) total.loss += loss.total();
    }
    const py::gil_scoped_acquire acquire;
    return py::make_tuple(total.loss, total.predictions, total.kept);
  }

 private:
  struct Total {
    double loss = 0;
    std::int64_t predictions = 0, kept = 0;

    template <class Other>
    void add(const Other& other) {
      predictions += other.predictions;
      kept += other.kept;
    }
  };

  static std::vector<double> at_rate(std::vector<double> options, double rate) {
    options[Options::common] = rate;
    return options;
  }

  template <class T>
  static T at_least(const char* what, T value, int least) {
    if (value < least)
      throw py::value_error(std::string(what) + ": expected at least " + std::to_string(least) + ", got " +
                            std::to_string(value));
    return value;
  }

  template <class T>
  static const T* sized(const py::object& o, const std::string& what, const std::vector<std::int64_t>& shape) {
    const T* const data = readable<T>(o, what);
    if (!data) throw py::type_error(what + ": expected a NumPy array, got None");
    check_shape(View(o.ptr()), shape, what);
    return data;
  }

  const std::int64_t* starts(const py::object& o, const std::string& what) const {
    const auto* const all = sized<std::int64_t>(o, what, {model_.words + 1});
    bool good = all[0] == 0;
    for (std::int64_t i = 0; good && i < model_.words; ++i) good = all[i + 1] > all[i];
    if (!good) throw py::value_error(what + ": expected 0 first, and ascending numbers");
    return all;
  }

  // Rows must be below `end`; returns the longest list.
  std::int64_t check_rows(const std::string& what, const std::int64_t* start, const std::uint32_t* rows,
                          std::int64_t end) const {
    std::int64_t longest = 0;
    for (std::int64_t i = 0; i < model_.words; ++i) longest = std::max(longest, start[i + 1] - start[i]);
    for (std::int64_t i = 0; i < start[model_.words]; ++i)
      if (rows[i] >= end) throw py::index_error(what + ": names a row that is not there");
    return longest;
  }

  static void set(WordTable& table, const py::object& array, const std::string& what, std::int64_t dim,
                  const Kernel& kernel) {
    const View a = writable(array, what);
    check_number(a, array, f32, what);
    constexpr std::int64_t pack = 16;
    const std::int64_t numbers = (dim + pack - 1) / pack * pack;
    const std::int64_t need = numbers * (1 + kernel.slots) + kernel.shared;
    if (a.dims != 2 || a.shape[1] < need)
      throw py::value_error(what + ": expected rows of at least " + std::to_string(need) + " numbers, got shape " +
                            shape_text(a));
    table = {reinterpret_cast<float*>(a.data),
             a.shape[0],
             a.shape[1],
             numbers,
             dim,
             &kernel.number[f32],
             kernel.slots,
             kernel.shared,
             kernel.group != 0};
  }

  // The sentence that a token is in.
  std::int64_t sentence_of(std::int64_t token) const {
    return std::upper_bound(indptr_, indptr_ + sentences_ + 1, token) - indptr_ - 1;
  }

  // Whether the rule's step is w -= rate g.
  bool descends(const std::vector<double>& options, std::int64_t time) const {
    const Typed& rule = *model_.in.rule;
    if (!rule.descent) return false;
    Step made;
    const Options at{options.data()};
    rule.at(at.hyper(), at.before(), at.after(), time, made.bytes);
    return rule.descent(made.bytes) > 0;
  }

  // Room for what the parts of a round keep.
  void make_room(bool planned, std::int64_t tokens, int shards) {
    touched_.resize(planned ? std::size_t(model_.out.count) : 0);
    if (heaps_[0] && planned == (plans_ != nullptr) && shards == shards_) return;
    shards_ = shards;
    const std::int64_t longest = sizes_.rows / (model_.cbow ? sizes_.contexts : sizes_.inputs), row = model_.in.numbers;
    const std::int64_t in = std::min(model_.in.count, (tokens + 2 * std::int64_t(model_.window)) * longest);
    const std::int64_t blocks = tokens * (model_.cbow ? 1 : (sizes_.contexts + model_.share - 1) / model_.share);
    const std::int64_t out = blocks * sizes_.outputs;
    heaps_[0] = std::make_unique<Heap>(in, row, shards);
    heaps_[1] = std::make_unique<Heap>(planned ? out : std::min(model_.out.count, out), row, shards);
    plans_ = planned ? std::make_unique<Plans>(tokens, model_.window, blocks + out) : nullptr;
  }

  WordPlan& plan_of(std::int64_t round, std::int64_t part) { return plans_->of[round % 2][part]; }

  const Hot* hot_;
  std::uint64_t seed_;
  Rounds rounds_[2];  // of any rule; where its step is w -= rate g
  py::object owners_[6], text_owners_[2];
  WordModel model_{};
  WordSizes sizes_{};
  int hypers_ = 0;
  const std::uint32_t* ids_ = nullptr;
  const std::int64_t* indptr_ = nullptr;
  std::int64_t sentences_ = 0, tokens_ = 0;
  std::vector<std::unique_ptr<Desk>> desks_;
  std::unique_ptr<Heap> heaps_[2];  // of the tables in and out
  std::unique_ptr<Plans> plans_;
  std::vector<WordTouch> touched_;  // of each output
  std::int64_t counted_ = 0;        // parts
  int shards_ = 0;
  std::mutex mutex_;
};

}  // namespace

void bind_word2vec(py::module_& m) {
  py::class_<WordLearner>(m, "WordLearner", py::module_local())
      .def(py::init<const py::capsule&, const WordLearner::Name&, const py::object&, const py::object&, std::int64_t,
                    bool, bool, int, int, std::int64_t, const py::object&, const py::object&, const py::object&,
                    const py::object&, std::uint64_t, const WordLearner::Rounds&, const WordLearner::Rounds&>())
      .def("text", &WordLearner::text)
      .def("learn", &WordLearner::learn);
  m.attr("piece_tokens") = piece_tokens;
}

}  // namespace schuss
