// A block of zeros on cache lines, on huge pages where it is large and the system gives them.
#pragma once
#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

namespace schuss {

struct Block {
  static constexpr std::size_t huge = std::size_t(1) << 21, line = 64;

  void* base;
  std::size_t bytes;
  bool mapped;

  explicit Block(std::size_t size) : base(nullptr), bytes(size), mapped(size >= huge) {
    if (!mapped) {
      bytes = (size + line - 1) / line * line;
      base = std::aligned_alloc(line, bytes);
      if (base) std::memset(base, 0, bytes);
    } else {
      // More than needed is asked for, and what is left and right of a huge page's border is given back.
      bytes = (size + huge - 1) / huge * huge;
      char* const all =
          static_cast<char*>(mmap(nullptr, bytes + huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
      if (all != MAP_FAILED) {
        const std::size_t skip = (huge - reinterpret_cast<std::uintptr_t>(all) % huge) % huge;
        if (skip > 0) munmap(all, skip);
        if (huge > skip) munmap(all + skip + bytes, huge - skip);
        base = all + skip;
        madvise(base, bytes, MADV_HUGEPAGE);
      }
    }
    if (!base) throw std::bad_alloc();
  }

  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  ~Block() {
    if (mapped) munmap(base, bytes);
    else std::free(base);
  }
};

}  // namespace schuss
