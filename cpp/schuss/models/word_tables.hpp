// What word vectors need to know of a vocabulary: a table to draw negatives from, a Huffman tree, the n-grams of words.
#pragma once
#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

namespace schuss {

// Vose 1991: item i is drawn in proportion to weights[i] by drawing one of n and 32 bits: above threshold 2i it is the
// other item, 2i + 1.
inline std::vector<std::uint32_t> alias_table(const double* weights, std::int64_t n) {
  std::vector<std::uint32_t> table(2 * std::size_t(n));
  const double mean = std::accumulate(weights, weights + n, 0.0) / double(n);
  std::vector<double> share(static_cast<std::size_t>(n));
  std::vector<std::int64_t> small, large;
  for (std::int64_t i = 0; i < n; ++i) {
    share[std::size_t(i)] = weights[i] / mean;
    (share[std::size_t(i)] < 1 ? small : large).push_back(i);
  }
  const auto set = [&](std::int64_t i, std::int64_t other) {
    const double bits = std::min(share[std::size_t(i)] * 4294967296.0, 4294967295.0);
    table[2 * std::size_t(i)] = std::uint32_t(bits);
    table[2 * std::size_t(i) + 1] = std::uint32_t(other);
  };
  while (!small.empty() && !large.empty()) {
    const std::int64_t i = small.back(), other = large.back();
    small.pop_back();
    set(i, other);
    share[std::size_t(other)] -= 1 - share[std::size_t(i)];
    if (share[std::size_t(other)] < 1) {
      large.pop_back();
      small.push_back(other);
    }
  }
  for (const std::int64_t i : small) set(i, i);
  for (const std::int64_t i : large) set(i, i);
  return table;
}

struct Paths {
  std::vector<std::int64_t> start;
  std::vector<std::uint32_t> path;  // from the root: 2 node + code
};

// Huffman 1952, over words in the order of their counts, ties by id; of a word and a node with equal counts the node is
// taken first, as in word2vec.c. The two least: the first gets code 0. Node k is the k-th that was made.
inline Paths huffman(const std::int64_t* counts, std::int64_t n) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return counts[a] > counts[b]; });
  const std::size_t words = std::size_t(n), all = 2 * words - 1;
  std::vector<std::int64_t> count(all), parent(all, 0);
  std::vector<bool> code(all);
  for (std::size_t i = 0; i < words; ++i) count[i] = counts[order[i]];
  std::int64_t word = n - 1;
  std::size_t node = words;
  for (std::size_t made = words; made < all; ++made) {
    const auto least = [&] {
      const bool leaf = word >= 0 && (node == made || count[std::size_t(word)] < count[node]);
      return leaf ? std::size_t(word--) : node++;
    };
    const std::size_t first = least(), second = least();
    count[made] = count[first] + count[second];
    parent[first] = parent[second] = std::int64_t(made);
    code[second] = true;
  }
  std::vector<std::size_t> rank(words);
  for (std::size_t i = 0; i < words; ++i) rank[std::size_t(order[i])] = i;
  Paths found;
  found.start.push_back(0);
  for (std::size_t i = 0; i < words; ++i) {
    const std::size_t from = found.path.size();
    for (std::size_t at = rank[i]; at != all - 1; at = std::size_t(parent[at]))
      found.path.push_back(std::uint32_t(2 * (std::size_t(parent[at]) - words) + code[at]));
    std::reverse(found.path.begin() + std::int64_t(from), found.path.end());
    found.start.push_back(std::int64_t(found.path.size()));
  }
  return found;
}

// The n-grams of <word>, of least to most UTF-8 characters, as buckets: FNV-1a over signed bytes, as in fastText
// (Bojanowski et al. 2017). A border alone is no n-gram.
inline void ngrams(std::string_view word, int least, int most, std::uint32_t buckets, std::vector<std::uint32_t>& to) {
  std::string text = "<";
  text.append(word).push_back('>');
  const auto inner = [&](std::size_t i) { return i < text.size() && (text[i] & 0xC0) == 0x80; };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (inner(i)) continue;
    std::uint32_t hash = 2166136261u;
    std::size_t j = i;
    for (int n = 1; n <= most && j < text.size(); ++n) {
      do {
        hash ^= std::uint32_t(std::int8_t(text[j++]));
        hash *= 16777619u;
      } while (inner(j));
      if (n >= least && !(n == 1 && (i == 0 || j == text.size()))) to.push_back(hash % buckets);
    }
  }
}

}  // namespace schuss
