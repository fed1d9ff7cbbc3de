// The threads of the process: one team, started when first needed, asleep when idle, never joined.
//
// A job is a number of tasks. Each member owns a range of neighbouring tasks and takes from its front; one that has
// finished takes from the back of the others. The caller is member 0 and never waits for a member that has not come:
// small jobs do not pay for a wake-up. Who does a task never changes its result.
#pragma once
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>

namespace schuss {

class Team {
 public:
  static constexpr int most = 256;

  // The team of this process. A forked child has none of its parent's threads and starts anew.
  static Team& get() {
    static const int once = pthread_atfork(nullptr, nullptr, [] { slot() = new Team; });
    (void)once;
    return *slot();
  }

  // Calls work(task, member) for each task below `tasks`, on at most `members` threads; member < members.
  template <class F>
  void run(std::int64_t tasks, int members, const F& work) {
    if (members > most) members = most;
    if (members > tasks) members = int(tasks);
    const std::unique_lock<std::mutex> alone(busy_, std::try_to_lock);
    if (members <= 1 || !alone.owns_lock()) {  // another Python thread has the team: this one works by itself
      for (std::int64_t task = 0; task < tasks; ++task) work(task, 0);
      return;
    }
    hire(members);
    call_ = [](const void* f, std::int64_t task, int member) { (*static_cast<const F*>(f))(task, member); };
    work_ = &work;
    members_ = members;
    for (int m = 0; m < members; ++m)
      range_[m].tasks.store(pack(tasks * m / members, tasks * (m + 1) / members), std::memory_order_relaxed);
    caller_.store(sched_getcpu(), std::memory_order_relaxed);
    gate_.store(0, std::memory_order_release);
    job_.fetch_add(1);
    if (asleep_.load() > 0) {
      {
        const std::lock_guard<std::mutex> lock(sleep_);
      }
      wake_.notify_all();
    }
    take(0);
    gate_.fetch_or(closed, std::memory_order_acq_rel);
    for (int spins = 0; gate_.load(std::memory_order_acquire) != closed; ++spins)
      if (spins > 1000) std::this_thread::yield();
  }

 private:
  static constexpr std::uint32_t closed = 1u << 31;
  static constexpr auto patience = std::chrono::microseconds(100);  // awake this long after a job, for the next

  struct alignas(64) Range {
    std::atomic<std::uint64_t> tasks{0};  // first << 32 | last
  };

  static std::uint64_t pack(std::int64_t first, std::int64_t last) {
    return std::uint64_t(first) << 32 | std::uint64_t(last);
  }

  static Team*& slot() {
    static Team* team = new Team;  // never destroyed: its threads may outlive main
    return team;
  }

  void hire(int members) {
    if (hired_ + 1 >= members) return;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);  // signals such as Ctrl-C go to the threads of the program
    for (; hired_ + 1 < members; ++hired_) std::thread([this, me = hired_ + 1] { member(me); }).detach();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  void member(int me) {
    for (std::uint64_t seen = 0;;) {
      seen = wait(seen);
      std::uint32_t gate = gate_.load(std::memory_order_acquire);
      while (!(gate & closed) && !gate_.compare_exchange_weak(gate, gate + 1, std::memory_order_acq_rel)) {
      }
      if (gate & closed) continue;
      step_aside();
      if (me < members_) take(me);
      gate_.fetch_sub(1, std::memory_order_acq_rel);
    }
  }

  // A member that finds itself on the caller's CPU leaves it: the scheduler would let the two take turns for many jobs.
  void step_aside() const {
    const int cpu = caller_.load(std::memory_order_relaxed);
    cpu_set_t allowed;
    if (sched_getcpu() != cpu || sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    cpu_set_t others = allowed;
    CPU_CLR(std::size_t(cpu), &others);
    if (CPU_COUNT(&others) == 0) return;
    sched_setaffinity(0, sizeof others, &others);
    sched_setaffinity(0, sizeof allowed, &allowed);
  }

  std::uint64_t wait(std::uint64_t seen) {
    const auto until = std::chrono::steady_clock::now() + patience;
    do {
      if (const auto job = job_.load(); job != seen) return job;
      step_aside();
      std::this_thread::yield();
    } while (std::chrono::steady_clock::now() < until);
    std::unique_lock<std::mutex> lock(sleep_);
    asleep_.fetch_add(1);
    wake_.wait(lock, [&] { return job_.load() != seen; });
    asleep_.fetch_sub(1);
    return job_.load();
  }

  void take(int me) {
    for (int turn = 0; turn < members_; ++turn) {
      auto& range = range_[(me + turn) % members_].tasks;
      std::uint64_t now = range.load(std::memory_order_relaxed);
      for (;;) {
        const std::uint64_t first = now >> 32, last = now & 0xffffffffu;
        if (first >= last) break;
        const bool own = turn == 0;
        const std::uint64_t rest = own ? (first + 1) << 32 | last : first << 32 | (last - 1);
        if (!range.compare_exchange_weak(now, rest, std::memory_order_relaxed)) continue;
        call_(work_, std::int64_t(own ? first : last - 1), me);
        now = range.load(std::memory_order_relaxed);
      }
    }
  }

  std::mutex busy_, sleep_;
  std::condition_variable wake_;
  std::atomic<std::uint64_t> job_{0};
  std::atomic<std::uint32_t> gate_{closed};
  std::atomic<int> asleep_{0}, caller_{-1};
  int hired_ = 0, members_ = 0;
  void (*call_)(const void*, std::int64_t, int) = nullptr;
  const void* work_ = nullptr;
  Range range_[most];
};

}  // namespace schuss
