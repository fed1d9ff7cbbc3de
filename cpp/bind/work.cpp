// Work for Python: trees of parameters and gradients in, one checked step out.
#include "schuss/work.hpp"

#include <pybind11/stl.h>

#include <algorithm>
#include <mutex>

#include "arrays.hpp"
#include "bind.hpp"
#include "store.hpp"
#include "tensors.hpp"

namespace schuss {
namespace {

// The shape of the parameters' tree: a leaf, or a list or dict of such.
struct Node {
  int leaf = -1;
  bool dict = false;
  std::vector<py::object> keys;
  std::vector<Node> children;
};

std::string key_name(py::handle key) { return py::str(key); }

class Tree {
 public:
  Node root;
  std::vector<std::string> names;
  std::vector<py::object> leaves;

  explicit Tree(py::handle params) { grow(root, params, ""); }

 private:
  void grow(Node& node, py::handle o, const std::string& path) {
    const auto below = [&](const std::string& key) { return path.empty() ? key : path + "/" + key; };
    if (PyDict_Check(o.ptr())) {
      node.dict = true;
      for (const auto& [key, value] : py::reinterpret_borrow<py::dict>(o)) {
        node.keys.push_back(py::reinterpret_borrow<py::object>(key));
        node.children.emplace_back();
        grow(node.children.back(), value, below(key_name(key)));
      }
    } else if (PyList_Check(o.ptr()) || PyTuple_Check(o.ptr())) {
      const auto items = py::reinterpret_borrow<py::sequence>(o);
      for (std::size_t i = 0; i < items.size(); ++i) {
        node.children.emplace_back();
        grow(node.children.back(), py::object(items[i]), below(std::to_string(i)));
      }
    } else {
      node.leaf = int(leaves.size());
      if (std::find(names.begin(), names.end(), path) != names.end())
        throw py::value_error("params: two parameters are both named '" + path + "'; rename one of their keys");
      names.push_back(path);
      leaves.push_back(py::reinterpret_borrow<py::object>(o));
    }
  }
};

std::string quoted(const std::string& name) { return name.empty() ? "" : " of '" + name + "'"; }
std::string parameter(const std::string& name) { return name.empty() ? "parameter" : "parameter '" + name + "'"; }
std::string gradient(const Leaf& leaf) { return "gradient" + quoted(leaf.name); }

// What stands for a rule that is written in Python: so many slots, and no functions.
const Kernel& python_kernel(int slots) {
  static constexpr const char* names[] = {"0", "1", "2", "3"};
  static constexpr const char* lr = "lr";
  static const auto make = [](int n) {
    Kernel k{};
    k.name = "python";
    k.variant = k.slots = n;
    k.slot_names = names;
    k.hypers = 1;
    k.hyper_names = &lr;
    k.whole = -1;
    return k;
  };
  static_assert(most_slots == 4, "one kernel for each number of slots");
  static const Kernel all[] = {make(0), make(1), make(2), make(3), make(4)};
  if (slots < 0 || slots > most_slots) throw py::value_error("slots: a rule keeps at most four numbers a coordinate");
  return all[slots];
}

class PyWork {
 public:
  PyWork(const py::capsule& table, py::handle params, py::object row_grad, py::object coord_grad)
      : tree_(params), row_grad_(std::move(row_grad)), coord_grad_(std::move(coord_grad)) {
    if (std::string(table.name()) != "schuss.hot") throw py::type_error("table: expected the table of a hot module");
    work_.hot = table.get_pointer<Hot>();
    if (tree_.leaves.empty()) throw py::value_error("params: expected at least one array, got an empty tree");
    work_.leaves.resize(tree_.leaves.size());
    shapes_.resize(tree_.leaves.size());
    sums_.resize(tree_.leaves.size());
    for (std::size_t i = 0; i < tree_.leaves.size(); ++i) {
      Leaf& leaf = work_.leaves[i];
      leaf.name = tree_.names[i];
      if (py::hasattr(tree_.leaves[i], "_store")) {
        // Only its storage is held: the table may hold its optimizer, and no collector sees a circle through C++.
        tree_.leaves[i] = tree_.leaves[i].attr("_store");
        take_table(i);
        continue;
      }
      const View a = writable(tree_.leaves[i], parameter(tree_.names[i]));
      leaf.number = a.number();
      leaf.w = a.data;
      leaf.size = a.size;
      leaf.flat = a.dims <= 1;
      leaf.rows = leaf.flat ? 1 : a.shape[0];
      leaf.dim = leaf.rows > 0 ? a.size / leaf.rows : 0;
      leaf.stride = leaf.dim * leaf.bytes();
      leaf.shared_stride = leaf.bytes();
      shapes_[i].assign(a.shape, a.shape + a.dims);
      own(tree_.leaves[i], i);
    }
    check_overlap();
  }

  std::vector<std::string> names() const { return tree_.names; }

  // Gives each parameter its kernel and the kernel's options, which are read at every step.
  void bind(const std::vector<std::tuple<std::string, int, py::object>>& rules) {
    if (rules.size() != work_.leaves.size()) throw py::value_error("rules: expected one for each parameter");
    std::vector<Recipe> recipes;
    std::vector<py::object> options;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const auto& [name, variant, numbers] = rules[i];
      const Kernel& found = name == "python" ? python_kernel(variant) : kernel_of(*work_.hot, name, variant);
      const View values = writable(numbers, "options");
      if (values.size != Options::common + found.hypers || values.number() != f64)
        throw py::value_error("options: expected " + std::to_string(Options::common + found.hypers) +
                              " float64 numbers");
      const auto* const first = reinterpret_cast<const double*>(values.data);
      auto same = std::find_if(recipes.begin(), recipes.end(), [&](const Recipe& r) { return r.options.all == first; });
      if (same == recipes.end()) {
        same = recipes.insert(same, Recipe{&found, {first}, {}, {}});
        options.push_back(numbers);
      }
      same->used[work_.leaves[i].number] = true;
      work_.leaves[i].recipe = int(same - recipes.begin());
    }
    work_.recipes = std::move(recipes);
    options_ = std::move(options);
  }

  // What Store says of a table, again after it has grown.
  void take_table(std::size_t index) {
    Leaf& leaf = work_.leaves.at(index);
    const auto& s = tree_.leaves[index].cast<const Store&>();
    leaf.number = s.number;
    leaf.weight = s.weight;
    leaf.nearest = s.nearest;
    leaf.seed = s.seed;
    leaf.w = s.first();
    leaf.rows = s.rows;
    leaf.dim = s.dim;
    leaf.size = s.rows * s.dim;
    leaf.stride = leaf.shared_stride = s.stride;
    leaf.together = s.bytes;
    for (std::size_t k = 0; k < s.slots.size(); ++k) leaf.slots[k] = s.first() + s.slots[k];
    if (s.shared >= 0) leaf.shared = s.first() + s.shared;
    leaf.ledger = s.header ? reinterpret_cast<Ledger*>(s.pages->data() + ledger_at) : nullptr;
    shapes_[index] = {s.rows, s.dim};
    if (leaf.exact) leaf.exact->grow(leaf.rows);
    if (leaf.sum) {  // what was gathered so far stays
      const py::object before = sums_[index];
      const View was(before.ptr());
      leaf.sum = nullptr;
      std::memcpy(sum(index), was.data, std::size_t(was.bytes()));
    }
    work_.reshaped();
    const auto old = [&](const Bytes& b) { return b.first == s.first() && b.owner == index; };
    owned_.erase(std::remove_if(owned_.begin(), owned_.end(), old), owned_.end());
    owned_.push_back({s.first(), s.first() + s.rows * s.stride, index});
    std::sort(owned_.begin(), owned_.end());
  }

  // The average of a table, new after it has grown.
  void attach_mean(std::size_t index, const py::object& mean) {
    Leaf& leaf = work_.leaves.at(index);
    const View a = writable(mean, "ema" + quoted(leaf.name));
    check_number(a, mean, leaf.number, "ema" + quoted(leaf.name));
    if (a.size != leaf.size) throw py::value_error("ema" + quoted(leaf.name) + ": expected the table's size");
    own(mean, index);
    leaf.mean = a.data;
    check_overlap();
  }

  // Exact steps for sparse gradients of a parameter; a reason why there are none is told when one comes.
  void exact(std::size_t index, bool on, const std::string& reason) {
    exact_.resize(work_.leaves.size());
    exact_[index] = {on, reason};
    if (on && work_.leaves[index].table() && reason.empty()) make_exact(index);
  }

  void flush(int threads) {
    guard();
    const std::lock_guard<std::mutex> alone(mutex_, std::adopt_lock);
    py::gil_scoped_release release;
    work_.threads = threads;
    work_.flush();
    for (Leaf& leaf : work_.leaves)
      if (leaf.ledger) leaf.ledger->owed = 0;
  }

  // After slots were overwritten: all rows count as current.
  void settle() {
    for (Leaf& leaf : work_.leaves)
      if (leaf.exact) {
        leaf.exact->settled(false);
        leaf.exact->whole = -1;
      }
  }

  // Rows of a table by id into `out`; with offsets: sums of bags of them.
  void lookup(std::size_t index, const py::object& ids, const py::object& offsets, const py::object& weights, bool mean,
              const py::object& out, int threads) {
    guard();
    const std::lock_guard<std::mutex> alone(mutex_, std::adopt_lock);
    work_.threads = threads;
    Leaf& leaf = work_.leaves.at(index);
    const auto all = whole_numbers(ids, "ids");
    for (std::size_t i = 0; i < all.size(); ++i)
      if (all[i] < 0 || all[i] >= leaf.rows)
        throw py::index_error("ids: " + std::string(py::str(ids.attr("flat")[py::int_(i)])) + " at position " +
                              std::to_string(i) + " is out of range; expected 0 to " + std::to_string(leaf.rows - 1));
    const auto n = std::int64_t(all.size());
    Lookup a{};
    std::vector<std::int64_t> borders;
    std::int64_t results = n;
    if (!offsets.is_none()) {
      borders = whole_numbers(offsets, "offsets");
      const bool ascending = std::is_sorted(borders.begin(), borders.end());
      if (borders.empty() || borders.front() != 0 || borders.back() != n || !ascending)
        throw py::value_error("offsets: expected the borders of the bags, from 0 ascending to len(ids) = " +
                              std::to_string(n));
      a.offsets = borders.data();
      results = std::int64_t(borders.size()) - 1;
    }
    if (!weights.is_none()) {
      if (!View::is(weights.ptr())) throw py::type_error("weights: expected a NumPy array, got " + type_name(weights));
      const View v(weights.ptr());
      check_number(v, weights, leaf.number, "weights");
      check_shape(v, {n}, "weights");
      check_layout(v, "weights");
      a.weights = v.data;
    }
    const View o = writable(out, "out");
    check_number(o, out, leaf.number, "out");
    check_shape(o, {results, leaf.dim}, "out");
    check_apart(o, leaf, "out");
    a.w = leaf.w;
    a.stride = leaf.stride;
    a.dim = leaf.dim;
    a.ids = all.data();
    a.mean = mean;
    a.out = o.data;
    const auto& tools = work_.hot->tools[leaf.number];
    py::gil_scoped_release release;
    work_.wake(leaf, all.data(), n);
    const std::int64_t each = std::max<std::int64_t>(1, 16384 / std::max<std::int64_t>(leaf.dim, 1));
    Team::get().run((results + each - 1) / each, n * leaf.dim < 32768 ? 1 : threads, [&](std::int64_t task, int) {
      Lookup part = a;
      part.first = task * each;
      part.last = std::min(results, (task + 1) * each);
      (a.offsets ? tools.bags : tools.lookup)[leaf.weight](part);
    });
  }

  // Gives a bound parameter its slots and, with ema, its average.
  void attach(std::size_t index, const std::vector<py::object>& slots, const std::vector<py::object>& shared,
              const py::object& mean) {
    Leaf& leaf = work_.leaves.at(index);
    const Kernel& kernel = *work_.recipes[std::size_t(leaf.recipe)].kernel;
    if (int(slots.size()) != kernel.slots || int(shared.size()) != kernel.shared)
      throw py::value_error("slots: " + std::string(kernel.name) + " keeps " + std::to_string(kernel.slots) +
                            " numbers a coordinate and " + std::to_string(kernel.shared) + " a group");
    const auto take = [&](const py::object& o, const char* slot, std::int64_t size) {
      const std::string what = "slot '" + std::string(slot) + "'" + quoted(leaf.name);
      const View a = writable(o, what);
      check_number(a, o, leaf.number, what);
      if (a.size != size)
        throw py::value_error(what + ": expected " + std::to_string(size) + " numbers, got " + std::to_string(a.size));
      own(o, index);
      return static_cast<void*>(a.data);
    };
    if (leaf.table()) {  // its slots lie in its rows; only a number for the whole of it lies elsewhere
      if (kernel.group == 2 && kernel.shared) leaf.shared = take(shared[0], kernel.shared_names[0], 1);
      if (!mean.is_none()) attach_mean(index, mean);
      return;
    }
    for (int k = 0; k < kernel.slots; ++k) leaf.slots[k] = take(slots[std::size_t(k)], kernel.slot_names[k], leaf.size);
    for (int k = 0; k < kernel.shared; ++k)
      leaf.shared = take(shared[std::size_t(k)], kernel.shared_names[k], kernel.group == 1 ? leaf.rows : 1);
    if (!mean.is_none()) leaf.mean = static_cast<char*>(take(mean, "ema", leaf.size));
    check_overlap();
  }

  void configure(double clip_norm, double clip_value, int accumulate, double ema, const std::string& nonfinite) {
    work_.clip_norm = clip_norm;
    work_.clip_value = clip_value;
    work_.accumulate = accumulate;
    work_.ema = ema;
    work_.nonfinite = nonfinite == "raise"  ? NonFinite::raise
                      : nonfinite == "skip" ? NonFinite::skip
                                            : NonFinite::propagate;
  }

  void freeze(std::size_t index, bool frozen) { work_.leaves.at(index).frozen = frozen; }

  void step(py::handle grads, int threads) {
    guard();
    const std::lock_guard<std::mutex> alone(mutex_, std::adopt_lock);
    work_.threads = threads;
    grads_.clear();
    collect(tree_.root, grads, "grads");
    take();
  }

  // A step of tensors that hold their gradients as `grad`; false, and nothing has changed, where one of them is not a
  // plain array like its parameter, or a parameter has moved.
  bool step_tensors(const py::list& tensors, const py::capsule& exchange, int threads) {
    const DLPackExchange& api = exchange_of(exchange);
    if (tensors.size() != work_.leaves.size()) throw py::value_error("tensors: expected one for each parameter");
    guard();
    const std::lock_guard<std::mutex> alone(mutex_, std::adopt_lock);
    work_.threads = threads;
    static PyObject* const name = PyUnicode_InternFromString("grad");
    grads_.clear();
    for (std::size_t i = 0; i < work_.leaves.size(); ++i) {
      Leaf& leaf = work_.leaves[i];
      PyObject* const tensor = PyList_GET_ITEM(tensors.ptr(), py::ssize_t(i));
      leaf.form = Form::none;
      if (plain_data(api, tensor, leaf.number, shapes_[i]) != leaf.w) return false;
      auto grad = py::reinterpret_steal<py::object>(PyObject_GetAttr(tensor, name));
      if (!grad) throw py::error_already_set();
      if (grad.is_none()) continue;
      const char* const g = plain_data(api, grad.ptr(), leaf.number, shapes_[i]);
      if (!g || (g != leaf.last && overlap(g, leaf.size * leaf.bytes()))) return false;
      leaf.form = Form::dense;
      leaf.g = leaf.last = g;
      grads_.push_back(std::move(grad));
    }
    take();
    grads_.clear();  // their owner may free them before it makes the next ones
    return true;
  }

  // ---- rules in Python, while a step is open: each of its blocks is opened, changed by the caller and closed ------

  // (block, parameter, size) of the blocks of this step.
  std::vector<std::tuple<std::size_t, std::size_t, std::int64_t>> blocks() const {
    std::vector<std::tuple<std::size_t, std::size_t, std::int64_t>> all;
    for (const std::size_t b : work_.blocks()) all.emplace_back(b, work_.index_of(b), work_.size_of(b));
    return all;
  }

  void open(std::size_t block, const std::vector<py::object>& arrays) {
    const auto to = buffers(block, arrays);
    work_.open(block, to[0], to[1], reinterpret_cast<void* const*>(&to[2]));
  }
  void close(std::size_t block, const std::vector<py::object>& arrays) {
    const auto from = buffers(block, arrays);
    work_.close(block, from[0], reinterpret_cast<const void* const*>(&from[2]));
  }

  // Ends the step: with the rules that have kernels, or without.
  void finish(int threads) {
    py::gil_scoped_release release;
    work_.threads = threads;
    work_.finish();
    whole();
  }
  void abandon(bool changed) {
    work_.abandon();
    if (!changed) whole();
  }

  // ---- state -----------------------------------------------------------------------------------------------------

  std::int64_t steps() const { return work_.steps; }
  void set_steps(std::int64_t steps) {
    work_.steps = steps;
    for (Leaf& leaf : work_.leaves)
      if (leaf.ledger) leaf.ledger->steps = steps;
  }
  std::int64_t skipped() const { return work_.skipped; }
  void set_skipped(std::int64_t skipped) { work_.skipped = skipped; }
  int waiting() const { return work_.waiting; }
  double norm() const { return work_.norm; }

  // What has been accumulated for a parameter: None, a dense sum, or (ids, values, are coordinates).
  py::object gathered(std::size_t index) const {
    const Leaf& leaf = work_.leaves.at(index);
    if (leaf.gathered == Form::none) return py::none();
    if (leaf.gathered == Form::dense) return sums_[index];
    const auto n = py::ssize_t(leaf.sum_ids.size());
    const py::array_t<std::int64_t> ids(n, leaf.sum_ids.data());
    const py::dtype type(leaf.number == f32 ? "float32" : "float64");
    const py::ssize_t width = leaf.gathered == Form::coords ? 1 : leaf.dim;
    return py::make_tuple(ids, py::array(type, {n, width}, leaf.sum_values.data()), leaf.gathered == Form::coords);
  }

  void restore(int waiting, const std::vector<py::object>& gathered) {
    work_.waiting = waiting;
    for (std::size_t i = 0; i < work_.leaves.size(); ++i) {
      Leaf& leaf = work_.leaves[i];
      leaf.gathered = Form::none;
      leaf.sum_ids.clear();
      leaf.sum_values.clear();
      if (leaf.sum) std::memset(leaf.sum, 0, std::size_t(leaf.size * leaf.bytes()));
      const py::object& o = gathered.at(i);
      if (o.is_none()) continue;
      if (View::is(o.ptr())) {
        const View a(o.ptr());
        check_number(a, o, leaf.number, "accumulated " + gradient(leaf));
        check_shape(a, shapes_[i], "accumulated " + gradient(leaf));
        leaf.gathered = Form::dense;
        std::memcpy(sum(i), a.data, std::size_t(a.bytes()));
      } else {
        const auto parts = py::reinterpret_borrow<py::tuple>(o);
        leaf.gathered = parts[2].cast<bool>() ? Form::coords : Form::rows;
        const View ids(py::object(parts[0]).ptr()), values(py::object(parts[1]).ptr());
        const auto* first = reinterpret_cast<const std::int64_t*>(ids.data);
        leaf.sum_ids.assign(first, first + ids.size);
        leaf.sum_values.assign(values.data, values.data + values.bytes());
      }
    }
  }

 private:
  void take() {
    Refusal refused;
    {
      py::gil_scoped_release release;
      for (Leaf& leaf : work_.leaves)
        if (leaf.ledger) leaf.ledger->torn = 1;
      refused = work_.step();
      if (work_.blocks().empty()) whole();
    }
    if (refused.kind) complain(refused);
  }

  // Mapped tables are as their files say again.
  void whole() {
    for (Leaf& leaf : work_.leaves)
      if (leaf.ledger) {
        leaf.ledger->steps = work_.steps;
        if (leaf.exact) leaf.ledger->owed = leaf.exact->owes();
        leaf.ledger->torn = 0;
      }
  }

  // The memory of w, g and the slots that a block is copied to and from.
  std::vector<char*> buffers(std::size_t block, const std::vector<py::object>& arrays) const {
    const Leaf& leaf = work_.leaf_of(block);
    std::vector<char*> found;
    for (const py::object& o : arrays) {
      const View a = writable(o, "block");
      check_number(a, o, leaf.number, "block");
      if (a.size < work_.size_of(block)) throw py::value_error("block: too small");
      found.push_back(a.data);
    }
    found.resize(2 + most_slots);
    return found;
  }

  struct Wish {
    bool on = false;
    std::string reason;
  };

  // A step may run in another Python thread: wait without the GIL, which that step needs. The caller adopts the lock.
  void guard() {
    if (mutex_.try_lock()) return;
    py::gil_scoped_release release;
    mutex_.lock();
  }

  void make_exact(std::size_t index) {
    Leaf& leaf = work_.leaves[index];
    leaf.exact = std::make_unique<Exact>(leaf.flat ? leaf.size : leaf.rows, leaf.number);
  }

  // Ids or offsets as int64; their range is the caller's to check. Larger ones become -1.
  static std::vector<std::int64_t> whole_numbers(const py::object& o, const std::string& what) {
    if (!View::is(o.ptr())) throw py::type_error(what + ": expected a NumPy array, got " + type_name(o));
    const View a(o.ptr());
    check_whole(a, o, what);
    std::vector<std::int64_t> all(static_cast<std::size_t>(a.size));
    const auto copy = [&](const auto* from) {
      for (std::size_t i = 0; i < all.size(); ++i) {
        const auto x = std::int64_t(from[i]);
        all[i] = x < 0 ? -1 : x;
      }
    };
    if (a.item == 4 && a.kind == 'i') copy(reinterpret_cast<const std::int32_t*>(a.data));
    else if (a.item == 4) copy(reinterpret_cast<const std::uint32_t*>(a.data));
    else copy(reinterpret_cast<const std::int64_t*>(a.data));
    return all;
  }

  static void check_whole(const View& a, py::handle o, const std::string& what) {
    const bool whole = (a.kind == 'i' || a.kind == 'u') && (a.item == 4 || a.item == 8);
    if (!whole)
      throw py::type_error(what + ": expected int32, int64, uint32 or uint64, got " + dtype_name(o) +
                           "; use .astype(\"int64\")");
    if (a.dims != 1) throw py::value_error(what + ": expected one dimension, got shape " + shape_text(a));
    check_layout(a, what);
  }

  void own(const py::object& o, std::size_t leaf) {
    const View a(o.ptr());
    held_.push_back(o);
    if (a.size > 0) owned_.push_back({a.data, a.data + a.bytes(), leaf});
  }

  void check_overlap() {
    std::sort(owned_.begin(), owned_.end());
    for (std::size_t i = 1; i < owned_.size(); ++i)
      if (owned_[i].first < owned_[i - 1].last)
        throw py::value_error("params: '" + tree_.names[owned_[i - 1].owner] + "' and '" +
                              tree_.names[owned_[i].owner] +
                              "' share memory; give each parameter its own array (use .copy())");
  }

  // A gradient must not lie in what the step changes.
  void check_apart(const View& a, const Leaf& leaf) const { check_apart(a, leaf, gradient(leaf)); }
  void check_apart(const View& a, const Leaf&, const std::string& what) const {
    if (const Bytes* const hit = overlap(a.data, a.bytes()))
      throw py::value_error(what + ": shares memory with " + parameter(tree_.names[hit->owner]) +
                            " or its slots; use .copy()");
  }
  const Bytes* overlap(const char* first, std::int64_t bytes) const {
    const auto next = std::lower_bound(owned_.begin(), owned_.end(), Bytes{first + bytes, nullptr, 0});
    return bytes == 0 || next == owned_.begin() || first >= std::prev(next)->last ? nullptr : &*std::prev(next);
  }

  char* sum(std::size_t index) {
    Leaf& leaf = work_.leaves[index];
    if (!leaf.sum) {
      sums_[index] = empty(shapes_[index], leaf.number, 0);
      leaf.sum = View(sums_[index].ptr()).data;
    }
    return leaf.sum;
  }

  void collect(const Node& node, py::handle o, const char* what) {
    if (node.leaf >= 0) return read(std::size_t(node.leaf), o);
    if (o.is_none()) {  // no gradient for the whole branch
      for (const Node& child : node.children) collect(child, o, what);
      return;
    }
    if (node.dict) {
      if (!PyDict_Check(o.ptr()))
        throw py::type_error(std::string(what) + ": expected a dict like the parameters, got " + type_name(o));
      for (std::size_t i = 0; i < node.children.size(); ++i) {
        PyObject* const child = PyDict_GetItemWithError(o.ptr(), node.keys[i].ptr());
        if (!child && PyErr_Occurred()) throw py::error_already_set();
        if (!child)
          throw py::value_error(std::string(what) + ": '" + key_name(node.keys[i]) +
                                "' is missing; give None where a parameter has no gradient");
        collect(node.children[i], child, what);
      }
      if (std::size_t(PyDict_Size(o.ptr())) != node.children.size()) unknown_key(node, o, what);
      return;
    }
    if (!PyList_Check(o.ptr()) && !PyTuple_Check(o.ptr()))
      throw py::type_error(std::string(what) + ": expected a list like the parameters, got " + type_name(o));
    const auto size = std::size_t(PySequence_Fast_GET_SIZE(o.ptr()));
    if (size != node.children.size())
      throw py::value_error(std::string(what) + ": expected " + std::to_string(node.children.size()) +
                            " gradients, got " + std::to_string(size) +
                            "; give None where a parameter has no gradient");
    for (std::size_t i = 0; i < size; ++i)
      collect(node.children[i], PySequence_Fast_GET_ITEM(o.ptr(), py::ssize_t(i)), what);
  }

  [[noreturn]] static void unknown_key(const Node& node, py::handle o, const char* what) {
    for (const auto& [key, value] : py::reinterpret_borrow<py::dict>(o)) {
      const bool known = std::any_of(node.keys.begin(), node.keys.end(),
                                     [&, k = key](const py::object& have) { return have.equal(k); });
      if (!known) throw py::value_error(std::string(what) + ": '" + key_name(key) + "' is no parameter; leave it out");
    }
    throw py::value_error(std::string(what) + ": keys differ from the parameters'");
  }

  void read(std::size_t index, py::handle o) {
    Leaf& leaf = work_.leaves[index];
    leaf.form = Form::none;
    if (o.is_none() || leaf.frozen) return;
    if (View::is(o.ptr())) read_dense(index, o);
    else if (PyObject_TypeCheck(o.ptr(), reinterpret_cast<PyTypeObject*>(row_grad_.ptr()))) read_rows(index, o);
    else if (PyObject_TypeCheck(o.ptr(), reinterpret_cast<PyTypeObject*>(coord_grad_.ptr()))) read_coords(index, o);
    else if (py::hasattr(o, "tocoo")) read_scipy(index, o);
    else
      throw py::type_error(gradient(leaf) +
                           ": expected a NumPy array, RowGrad, CoordGrad, a scipy.sparse array or None, got " +
                           type_name(o));
    if (leaf.gathered != Form::none && leaf.gathered != leaf.form) {
      leaf.form = Form::none;
      throw py::type_error(gradient(leaf) +
                           ": dense and sparse gradients, or rows and coordinates, cannot be accumulated "
                           "into one step; give one kind for all " +
                           std::to_string(work_.accumulate));
    }
  }

  void read_dense(std::size_t index, py::handle o) {
    Leaf& leaf = work_.leaves[index];
    if (leaf.table() && work_.recipes[std::size_t(leaf.recipe)].kernel->group == 2)
      throw py::type_error(gradient(leaf) + ": a table's rule that looks over the whole of it takes RowGrad only");
    const bool quick = !leaf.table() && plain(o.ptr(), descr_of(tree_.leaves[index].ptr()), shapes_[index]);
    if (!quick || data_of(o.ptr()) != leaf.last) {  // memory that was seen in the last step need not be compared again
      const View a(o.ptr());
      check_number(a, o, leaf.number, gradient(leaf));
      check_shape(a, shapes_[index], gradient(leaf));
      check_layout(a, gradient(leaf));
      check_apart(a, leaf);
    }
    grads_.push_back(py::reinterpret_borrow<py::object>(o));
    leaf.form = Form::dense;
    leaf.g = leaf.last = data_of(o.ptr());
    if (work_.accumulate > 1) sum(index);
  }

  void read_sparse(std::size_t index, const py::object& ids, const py::object& values, const char* ids_name,
                   bool rows) {
    Leaf& leaf = work_.leaves[index];
    const std::string what = gradient(leaf);
    const std::string ids_what = what + ": " + ids_name;
    if (!View::is(ids.ptr())) throw py::type_error(ids_what + ": expected a NumPy array, got " + type_name(ids));
    const View i(ids.ptr());
    check_whole(i, ids, ids_what);

    const std::string values_what = what + ": values";
    if (!View::is(values.ptr()))
      throw py::type_error(values_what + ": expected a NumPy array, got " + type_name(values));
    const View v(values.ptr());
    check_number(v, values, leaf.number, values_what);
    std::vector<std::int64_t> want{i.size};
    if (rows && !leaf.flat) want.insert(want.end(), shapes_[index].begin() + 1, shapes_[index].end());
    check_shape(v, want, values_what);
    check_layout(v, values_what);
    check_apart(v, leaf);

    const bool coords = !rows || leaf.flat;
    const Kernel& kernel = *work_.recipes[std::size_t(leaf.recipe)].kernel;
    if (coords && kernel.group == 1)
      throw py::type_error(what + ": " + kernel.name +
                           " shares numbers along a row, so single coordinates have no meaning; "
                           "give whole rows (RowGrad of a two-dimensional array) or a dense gradient");
    if (coords && leaf.table())
      throw py::type_error(what + ": a table has rows, not single coordinates; give RowGrad(ids, values)");
    check_exact(index, coords);
    grads_.push_back(ids);
    grads_.push_back(values);
    leaf.form = coords ? Form::coords : Form::rows;
    leaf.g = v.data;
    leaf.ids = i.data;
    leaf.count = i.size;
    leaf.id = i.kind == 'i' ? (i.item == 4 ? Id::i32 : Id::i64) : (i.item == 4 ? Id::u32 : Id::u64);
  }

  // A sparse gradient in exact mode: rows need a rule with an exact form, and are numbered from here on.
  void check_exact(std::size_t index, bool coords) {
    if (index >= exact_.size() || !exact_[index].on) return;
    Leaf& leaf = work_.leaves[index];
    if (!exact_[index].reason.empty())
      throw py::value_error(gradient(leaf) + ": sparse=\"exact\": " + exact_[index].reason);
    if (coords && !leaf.flat)
      throw py::type_error(gradient(leaf) +
                           ": sparse=\"exact\" keeps time by rows; give RowGrad, or train a flat view of the array");
    if (!leaf.exact) make_exact(index);
  }

  void read_rows(std::size_t index, py::handle o) { read_sparse(index, o.attr("ids"), o.attr("values"), "ids", true); }
  void read_coords(std::size_t index, py::handle o) {
    read_sparse(index, o.attr("index"), o.attr("values"), "index", false);
  }

  // Any scipy.sparse array of the parameter's shape: its entries as flat coordinates.
  void read_scipy(std::size_t index, py::handle o) {
    const Leaf& leaf = work_.leaves[index];
    const auto& shape = shapes_[index];
    const auto given = o.attr("shape").cast<std::vector<std::int64_t>>();
    if (given != shape)
      throw py::value_error(gradient(leaf) + ": expected shape " + shape_text(shape) + ", got " + shape_text(given));
    const py::object coo = o.attr("tocoo")(py::arg("copy") = false);
    const auto coords = py::tuple(coo.attr("coords"));
    using Index = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>;
    Index flat = py::reinterpret_borrow<py::object>(coords[0]);
    for (std::size_t d = 1; d < coords.size(); ++d) {
      const Index next = py::reinterpret_borrow<py::object>(coords[d]);
      Index both(flat.size());
      for (py::ssize_t k = 0; k < flat.size(); ++k) both.mutable_at(k) = flat.at(k) * shape[d] + next.at(k);
      flat = both;
    }
    read_sparse(index, flat, coo.attr("data"), "index", false);
  }

  [[noreturn]] void complain(const Refusal& refused) const {
    if (refused.kind == Refusal::too_many)
      throw py::value_error(gradient(work_.leaves[refused.leaf]) + ": too many ids for one step; split the batch");
    if (refused.kind == Refusal::norm)
      throw py::value_error("grads: their norm overflows float64 and cannot be clipped; scale the loss down");
    const Leaf& leaf = work_.leaves[refused.leaf];
    const auto& shape = shapes_[refused.leaf];
    if (refused.kind == Refusal::out_of_range) {
      const std::string id = id_text(leaf, refused.at);
      throw py::index_error(gradient(leaf) + (leaf.form == Form::coords ? ": coordinate " : ": id ") + id +
                            " at position " + std::to_string(refused.at) + " is out of range; expected 0 to " +
                            std::to_string(leaf.bound() - 1));
    }
    // Position in the gradient's values, as an index of their shape.
    std::vector<std::int64_t> extent = shape;
    if (leaf.form == Form::coords) extent = {leaf.count};
    if (leaf.form == Form::rows) extent[0] = leaf.count;
    std::vector<std::int64_t> place(extent.size());
    std::int64_t rest = refused.at;
    for (std::size_t d = extent.size(); d-- > 0; rest /= extent[d]) place[d] = rest % extent[d];
    const double value = leaf.number == f32 ? double(reinterpret_cast<const float*>(leaf.g)[refused.at])
                                            : reinterpret_cast<const double*>(leaf.g)[refused.at];
    throw py::value_error(
        gradient(leaf) + ": " + std::string(py::str(py::float_(value))) + " at index " + shape_text(place) +
        "; nothing was changed (nonfinite=\"skip\" leaves such a row or array out, \"propagate\" lets it in)");
  }

  static std::string id_text(const Leaf& leaf, std::int64_t at) {
    switch (leaf.id) {
      case Id::i32: return std::to_string(static_cast<const std::int32_t*>(leaf.ids)[at]);
      case Id::i64: return std::to_string(static_cast<const std::int64_t*>(leaf.ids)[at]);
      case Id::u32: return std::to_string(static_cast<const std::uint32_t*>(leaf.ids)[at]);
      default: return std::to_string(static_cast<const std::uint64_t*>(leaf.ids)[at]);
    }
  }

  Tree tree_;
  py::object row_grad_, coord_grad_;
  Work work_;
  std::mutex mutex_;
  std::vector<Wish> exact_;
  std::vector<std::vector<std::int64_t>> shapes_;
  std::vector<py::object> held_;     // parameters and slots: as long as the work
  std::vector<py::object> options_;  // of the recipes
  std::vector<py::object> grads_;    // until the next step
  std::vector<py::object> sums_;
  std::vector<Bytes> owned_;
};

}  // namespace

void bind_work(py::module_& m) {
  py::class_<PyWork>(m, "Work", py::module_local())
      .def(py::init<const py::capsule&, py::handle, py::object, py::object>(), py::arg("table"), py::arg("params"),
           py::arg("row_grad"), py::arg("coord_grad"))
      .def("names", &PyWork::names)
      .def("bind", &PyWork::bind)
      .def("attach", &PyWork::attach)
      .def("configure", &PyWork::configure)
      .def("exact", &PyWork::exact)
      .def("flush", &PyWork::flush)
      .def("settle", &PyWork::settle)
      .def("lookup", &PyWork::lookup)
      .def("grown", &PyWork::take_table)
      .def("attach_mean", &PyWork::attach_mean)
      .def("freeze", &PyWork::freeze)
      .def("step", &PyWork::step)
      .def("blocks", &PyWork::blocks)
      .def("open", &PyWork::open)
      .def("close", &PyWork::close)
      .def("finish", &PyWork::finish)
      .def("abandon", &PyWork::abandon)
      .def("step_tensors", &PyWork::step_tensors)
      .def_property("steps", &PyWork::steps, &PyWork::set_steps)
      .def_property("skipped", &PyWork::skipped, &PyWork::set_skipped)
      .def_property_readonly("waiting", &PyWork::waiting)
      .def_property_readonly("norm", &PyWork::norm)
      .def("gathered", &PyWork::gathered)
      .def("restore", &PyWork::restore);
}

}  // namespace schuss
