// Scores a log of the format that a model was trained on, a number a line: predict MODEL < log > scores
#include <cstdio>
#include <iostream>
#include <schuss/predictor.hpp>
#include <string>

int main(int count, char** arguments) try {
  if (count != 2) throw std::runtime_error("usage: predict MODEL < log > scores");
  const schuss::Predictor model(arguments[1]);
  schuss::Lines lines(model);
  std::string line;
  std::int64_t number = 0;
  if (lines.headed() && ++number && std::getline(std::cin, line)) lines.header(line);
  while (std::getline(std::cin, line)) {
    ++number;
    if (line.empty() || line == "\r") continue;
    try {
      std::printf("%.9g\n", double(lines.prediction(line)));
    } catch (const std::invalid_argument& error) {
      std::cerr << "line " << number << ": " << error.what() << '\n';
    }
  }
  return 0;
} catch (const std::exception& error) {
  std::cerr << "predict: " << error.what() << '\n';
  return 1;
}
