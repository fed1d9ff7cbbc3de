// The single numbers of a state, by name: written and read by one text.
#pragma once
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace schuss {

class Fields {
 public:
  std::vector<std::pair<std::string, double>> all;
  bool restoring = false;

  template <class N>
  void operator()(const char* name, N& number) {
    if (!restoring) {
      all.emplace_back(name, double(number));
      return;
    }
    for (const auto& [key, value] : all)
      if (key == name) {
        number = N(value);
        return;
      }
    throw std::invalid_argument(std::string("state: '") + name +
                                "' is missing; it was saved by another kind of solver");
  }
};

}  // namespace schuss
