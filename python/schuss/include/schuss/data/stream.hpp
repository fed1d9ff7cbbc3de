// Text in chunks of any size, examples out in batches of any size: the one does not show in the other.
//
// A chunk is cut at line ends into pieces of a fixed size, which the team parses into blocks; what is behind the last
// line end waits for the next chunk. Blocks are kept in order until their examples have been taken.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <deque>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "../train/team.hpp"
#include "lines.hpp"
#include "rows.hpp"

namespace schuss {

class Stream {
 public:
  struct Malformed {
    std::int64_t file, line;  // file: from 0, line: from 1
    std::string reason;
  };

  // What the next batch will hold.
  struct Extent {
    std::int64_t n = 0, entries = 0;
    bool valued = false, weighted = false;
  };

  // Where a batch goes; values, fields, labels, weights may be null.
  struct Target {
    std::int64_t* indptr;
    std::uint32_t* ids;
    float* values;
    std::uint16_t* fields;
    float *labels, *weights;
    std::uint8_t* repeats;
  };

  const Schema schema;
  std::int64_t lines = 0, examples = 0, malformed = 0;
  std::vector<Malformed> reports;
  bool stopped = false;  // at a malformed line, where the schema is strict

  Stream(Schema prepared, std::int64_t skip) : schema(std::move(prepared)), skip_(skip) {}

  // A file begins, of whose lines some were read elsewhere: a header.
  void open(std::vector<Column> columns, std::int64_t line) {
    columns_ = std::move(columns);
    ++file_;
    line_ = line;
    lines += line;
  }

  void feed(const char* p, std::int64_t size, int threads) {
    const char* const last = p + size;
    std::vector<Block> blocks;
    if (skipping_ || !carry_.empty()) {
      const auto* const end = static_cast<const char*>(std::memchr(p, '\n', std::size_t(size)));
      keep(p, end ? end + 1 : last);
      if (!end) return;
      blocks.push_back(carried());
      p = end + 1;
    }
    const auto* const end = static_cast<const char*>(memrchr(p, '\n', std::size_t(last - p)));
    const char* const cut = end ? end + 1 : p;
    std::vector<const char*> borders{p};
    while (borders.back() < cut) {
      const char* const from = borders.back() + std::min<std::int64_t>(piece, cut - borders.back()) - 1;
      borders.push_back(static_cast<const char*>(std::memchr(from, '\n', std::size_t(cut - from))) + 1);
    }
    parallel(blocks, std::int64_t(borders.size()) - 1, threads, [&](std::int64_t i, Block& block) {
      parse(schema, columns_, borders[std::size_t(i)], borders[std::size_t(i) + 1], block);
    });
    keep(cut, last);
    absorb(blocks);
  }

  void feed_rows(const std::vector<Cells>& columns, std::int64_t rows, int threads) {
    std::vector<Block> blocks;
    parallel(blocks, (rows + piece_rows - 1) / piece_rows, threads, [&](std::int64_t i, Block& block) {
      parse_rows(schema, columns, i * piece_rows, std::min(rows, (i + 1) * piece_rows), block);
    });
    absorb(blocks);
  }

  // The file ends; its last line may lack a line end. If the file is broken off, that line is no line.
  void close(bool broken) {
    std::vector<Block> blocks;
    if (!broken && (skipping_ || !carry_.empty())) blocks.push_back(carried());
    carry_.clear();
    skipping_ = false;
    absorb(blocks);
  }

  std::int64_t waiting() const { return waiting_; }

  Extent next(std::int64_t most) const {
    Extent extent;
    visit(std::min(most, waiting_), [&](const Block& block, std::int64_t first, std::int64_t n) {
      const std::int64_t from = block.start(first), to = block.ends[first + n - 1];
      extent.n += n;
      extent.entries += to - from;
      const auto odd = [](float x) { return x != 1; };
      const float *const values = block.entries.values.data(), *const weights = block.weights.data();
      if (block.entries.valued) extent.valued = extent.valued || std::any_of(values + from, values + to, odd);
      if (block.weighted) extent.weighted = extent.weighted || std::any_of(weights + first, weights + first + n, odd);
    });
    return extent;
  }

  void take(const Extent& extent, const Target& to) {
    std::int64_t example = 0, entry = 0;
    to.indptr[0] = 0;
    visit(extent.n, [&](const Block& block, std::int64_t first, std::int64_t n) {
      const std::int64_t from = block.start(first), entries = block.ends[first + n - 1] - from;
      for (std::int64_t i = 0; i < n; ++i) to.indptr[example + i + 1] = entry + block.ends[first + i] - from;
      std::copy_n(block.entries.ids.data() + from, entries, to.ids + entry);
      if (to.values && block.entries.valued)
        std::copy_n(block.entries.values.data() + from, entries, to.values + entry);
      else if (to.values) std::fill_n(to.values + entry, entries, 1.0f);
      if (to.fields) std::copy_n(block.entries.fields.data() + from, entries, to.fields + entry);
      if (to.labels) std::copy_n(block.labels.data() + first, n, to.labels + example);
      if (to.weights && block.weighted) std::copy_n(block.weights.data() + first, n, to.weights + example);
      else if (to.weights) std::fill_n(to.weights + example, n, 1.0f);
      std::copy_n(block.repeats.data() + first, n, to.repeats + example);
      example += n;
      entry += entries;
    });
    drop(extent.n);
  }

 private:
  static constexpr std::int64_t piece = 1 << 18, piece_rows = 4096;  // bytes, rows

  // Calls work(block, first example, number of examples) for the next n examples.
  template <class F>
  void visit(std::int64_t n, const F& work) const {
    std::int64_t first = taken_;
    for (auto block = blocks_.begin(); n > 0; ++block, first = 0) {
      const std::int64_t some = std::min(n, block->size() - first);
      if (some > 0) work(*block, first, some);
      n -= some;
    }
  }

  void drop(std::int64_t n) {
    waiting_ -= n;
    taken_ += n;
    while (!blocks_.empty() && taken_ >= blocks_.front().size()) {
      taken_ -= blocks_.front().size();
      spare_.push_back(std::move(blocks_.front()));
      spare_.back().clear();
      blocks_.pop_front();
    }
  }

  // More of a line that has not ended. One that grows too long is forgotten, and counted when it ends.
  void keep(const char* first, const char* last) {
    if (!skipping_) carry_.append(first, last);
    if (first == last || std::int64_t(carry_.size()) <= schema.longest + 2) return;
    skipping_ = true;
    std::string().swap(carry_);
  }

  Block carried() {
    Block block = fresh();
    if (skipping_) {
      block.lines = block.malformed = 1;
      block.reports.push_back({1, "longer than " + std::to_string(schema.longest) + " bytes"});
    } else {
      parse(schema, columns_, carry_.data(), carry_.data() + carry_.size(), block);
    }
    carry_.clear();
    skipping_ = false;
    return block;
  }

  Block fresh() {
    if (spare_.empty()) return {};
    Block block = std::move(spare_.back());
    spare_.pop_back();
    return block;
  }

  template <class F>
  void parallel(std::vector<Block>& blocks, std::int64_t pieces, int threads, const F& work) {
    const std::size_t before = blocks.size();
    for (std::int64_t i = 0; i < pieces; ++i) blocks.push_back(fresh());
    std::atomic<bool> full{false};
    Team::get().run(pieces, threads, [&](std::int64_t i, int) {
      try {
        work(i, blocks[before + std::size_t(i)]);
      } catch (const std::bad_alloc&) {
        full = true;
      }
    });
    if (full) throw std::bad_alloc();
  }

  void absorb(std::vector<Block>& blocks) {
    for (Block& block : blocks) {
      if (stopped) return;
      for (auto& report : block.reports)
        if (reports.size() < Block::most_reports) reports.push_back({file_, line_ + report.line, report.reason});
      line_ += block.lines;
      lines += block.lines;
      examples += block.size();
      malformed += block.malformed;
      stopped = schema.strict && block.malformed > 0;
      waiting_ += block.size();
      blocks_.push_back(std::move(block));
      const std::int64_t skipped = std::min(skip_, waiting_);
      skip_ -= skipped;
      drop(skipped);
    }
  }

  std::vector<Column> columns_;
  std::int64_t file_ = -1, line_ = 0;
  std::string carry_;
  bool skipping_ = false;
  std::deque<Block> blocks_;
  std::vector<Block> spare_;
  std::int64_t waiting_ = 0, taken_ = 0, skip_;  // taken: examples of the first block
};

}  // namespace schuss
