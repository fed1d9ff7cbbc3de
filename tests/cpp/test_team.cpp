// Each task is done exactly once, whatever the number of members, from several callers at a time.

#include <vector>

#include "check.hpp"
#include "schuss/train/team.hpp"

using schuss::Team;

static void every_task_once(int members, int tasks) {
  auto done = std::vector<std::atomic<int>>(std::size_t(tasks));
  Team::get().run(tasks, members, [&](std::int64_t task, int member) {
    CHECK(member >= 0 && member < members, "member %d of %d", member, members);
    done[std::size_t(task)].fetch_add(1);
  });
  for (int i = 0; i < tasks; ++i)
    CHECK(done[std::size_t(i)] == 1, "task %d was done %d times", i, done[std::size_t(i)].load());
}

int main() {
  for (int round = 0; round < 300; ++round)
    for (const int members : {1, 2, 3, 7})
      for (const int tasks : {0, 1, 2, 5, 64}) every_task_once(members, tasks);

  std::vector<std::thread> callers;
  for (int c = 0; c < 3; ++c)
    callers.emplace_back([] {
      for (int round = 0; round < 200; ++round) every_task_once(3, 50);
    });
  for (auto& caller : callers) caller.join();
  std::puts("1 passed, 0 failed");
}
