// Cache lines asked for ahead of their use. In asm, since a function that does nothing but ask has no effect in the
// eyes of the compiler, which then leaves out its calls.
#pragma once

namespace schuss {

// To be read.
[[gnu::always_inline]] inline void fetch_to_read(const void* p) {
  asm volatile("prefetcht0 %0" : : "m"(*static_cast<const char*>(p)));
}

// To be written: no other core keeps the line, so that the store need not wait for it to give it up.
[[gnu::always_inline]] inline void fetch_to_write(const void* p) {
  asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(p)));
}

// Into the second cache only.
[[gnu::always_inline]] inline void fetch_near(const void* p) {
  asm volatile("prefetcht1 %0" : : "m"(*static_cast<const char*>(p)));
}

}  // namespace schuss
