// Pages of memory: on huge pages where the system gives them, or mapped from a file. They may grow in place: addresses
// stay what they were, so that views of them do.
#pragma once
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <system_error>

namespace schuss {

class Pages {
 public:
  static constexpr std::size_t huge = std::size_t(1) << 21;

  // `file` is -1, or an open file that becomes ours; its contents are kept and it is extended with zeros.
  Pages(std::size_t bytes, int file) : file_(file) {
    const std::size_t wanted = rounded(std::max<std::size_t>(bytes, 1));
    // Address space costs nothing; under a limit on it only what is needed is taken.
    for (reserved_ = std::max(wanted * 16, room); !reserve(); reserved_ = wanted)
      if (reserved_ == wanted) fail(ENOMEM);
    try {
      grow(bytes);
    } catch (...) {
      release();
      throw;
    }
  }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  ~Pages() { release(); }

  char* data() const { return base_; }
  std::size_t size() const { return size_; }

  // Makes room for `bytes` in all. Nothing has changed if it throws.
  void grow(std::size_t bytes) {
    const std::size_t wanted = rounded(bytes);
    if (wanted > reserved_) fail(ENOMEM);
    if (wanted <= mapped_) {
      size_ = std::max(size_, bytes);
      return;
    }
    char* const from = base_ + mapped_;
    if (file_ >= 0) {
      struct stat status;
      if (fstat(file_, &status) != 0) fail(errno);
      // Real blocks, now: a full disk must be an error here and not a signal at the first write.
      if (std::size_t(status.st_size) < wanted)
        if (const int error = posix_fallocate(file_, 0, off_t(wanted))) {
          if (ftruncate(file_, status.st_size) != 0) fail(errno);
          fail(error);
        }
      if (mmap(from, wanted - mapped_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file_, off_t(mapped_)) ==
          MAP_FAILED)
        fail(errno);
    } else {
      if (mmap(from, wanted - mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
          MAP_FAILED)
        fail(errno);
      madvise(base_, wanted, MADV_HUGEPAGE);
    }
    mapped_ = wanted;
    size_ = bytes;
  }

  void sync() const {
    if (file_ >= 0 && (msync(base_, mapped_, MS_SYNC) != 0 || fsync(file_) != 0)) fail(errno);
  }

 private:
  static constexpr std::size_t room = std::size_t(1) << 36;

  std::size_t rounded(std::size_t bytes) const {
    const std::size_t page = file_ >= 0 ? 4096 : huge;
    return (bytes + page - 1) / page * page;
  }

  [[noreturn]] static void fail(int error) { throw std::system_error(error, std::generic_category()); }

  bool reserve() {
    void* const all = mmap(nullptr, reserved_ + huge, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED) return false;
    whole_ = static_cast<char*>(all);
    base_ = whole_ + (huge - reinterpret_cast<std::uintptr_t>(whole_) % huge) % huge;
    return true;
  }

  void release() {
    if (whole_) munmap(whole_, reserved_ + huge);
    if (file_ >= 0) close(file_);
    whole_ = nullptr;
    file_ = -1;
  }

  int file_;
  char *whole_ = nullptr, *base_ = nullptr;
  std::size_t reserved_ = 0, mapped_ = 0, size_ = 0;
};

}  // namespace schuss
