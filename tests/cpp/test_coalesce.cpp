// Both ways of merging ids against the simplest one: numbered as they come, and (of too many ids) sorted.

#include <map>
#include <random>

#include "check.hpp"
#include "schuss/access/coalesce.hpp"

using schuss::Coalescer;
using schuss::FirstSeen;
using schuss::Merged;

template <class Id>
static Merged plain(const std::vector<Id>& ids) {
  std::map<Id, std::size_t> number;
  std::vector<std::vector<std::int64_t>> positions;
  Merged out;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto [at, fresh] = number.emplace(ids[i], out.ids.size());
    if (fresh) out.ids.push_back(std::int64_t(ids[i])), positions.emplace_back();
    positions[at->second].push_back(std::int64_t(i));
  }
  for (const auto& own : positions) {
    out.start.push_back(std::int64_t(out.from.size()));
    out.from.insert(out.from.end(), own.begin(), own.end());
  }
  out.start.push_back(std::int64_t(out.from.size()));
  return out;
}

template <class Id>
static void compare(Coalescer& coalesce, const std::vector<Id>& ids, std::int64_t bound, int threads, Merged& found) {
  const Merged wanted = plain(ids);
  const auto n = std::int64_t(ids.size());
  CHECK(coalesce(ids.data(), n, bound, threads, found) == Coalescer::done, "%d ids", int(n));
  CHECK(found.ids == wanted.ids, "%d ids below %lld", int(n), static_cast<long long>(bound));
  CHECK(found.start == wanted.start, "%d ids below %lld", int(n), static_cast<long long>(bound));
  CHECK(found.from == wanted.from, "%d ids below %lld", int(n), static_cast<long long>(bound));
}

// One coalescer for all, so that each batch meets what the others have left behind.
template <class Id>
static void batches() {
  Coalescer coalesce;
  Merged out;
  std::mt19937_64 random(7);
  for (const std::int64_t n : {1, 2, 63, 64, 65, 1000, 20000})
    for (const std::int64_t most : {std::int64_t(1), std::int64_t(50), std::int64_t(3000), FirstSeen::most_ids})
      for (const std::int64_t bound : {FirstSeen::most_ids, 4 * FirstSeen::most_ids})
        for (const int threads : {1, 2, 7}) {
          std::vector<Id> ids(static_cast<std::size_t>(n));
          for (auto& id : ids) id = Id(random() % std::uint64_t(most));
          compare(coalesce, ids, bound, threads, out);
          const std::int64_t low = std::min<std::int64_t>(most, 1 << 12);  // another table's, much smaller
          for (auto& id : ids) id = Id(std::int64_t(id) % low);
          compare(coalesce, ids, low, threads, out);
        }
  std::vector<Id> late(100, Id(3));
  late[70] = Id(9);
  CHECK(coalesce(late.data(), 100, 9, 2, out) == 70, "%s", "the first id out of range is named");
}

int main() {
  batches<std::int32_t>();
  batches<std::int64_t>();
  batches<std::uint32_t>();
  std::puts("3 passed, 0 failed");
}
