// Overhead of LBFGSpp: seconds between two calls of the function that bench/solvers.py uses, one a line.
// Arguments: n, pairs, iterations; the start comes as doubles on standard input.
#include <LBFGS.h>

#include <Eigen/Core>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Valley {
  Eigen::VectorXd scale;
  std::vector<double> gaps;
  Clock::time_point left;
  bool called = false;

  double operator()(const Eigen::VectorXd& x, Eigen::VectorXd& g) {
    if (called) gaps.push_back(std::chrono::duration<double>(Clock::now() - left).count());
    g.array() = scale.array() * x.array();
    const double f = g.dot(x) / 2;
    called = true;
    left = Clock::now();
    return f;
  }
};

}  // namespace

int main(int, char** arguments) {
  const long n = std::atol(arguments[1]);
  Eigen::VectorXd x(n);
  if (std::fread(x.data(), sizeof(double), std::size_t(n), stdin) != std::size_t(n)) return 1;
  LBFGSpp::LBFGSParam<double> param;
  param.m = std::atoi(arguments[2]);
  param.max_iterations = std::atoi(arguments[3]);
  param.epsilon = param.epsilon_rel = 0;
  LBFGSpp::LBFGSSolver<double> solver(param);
  Valley valley{Eigen::VectorXd::LinSpaced(n, 1, 100), {}, {}};
  double f;
  try {
    solver.minimize(valley, x, f);
  } catch (const std::exception&) {  // its line search gives up near the end
  }
  for (const double gap : valley.gaps) std::printf("%.9g\n", gap);
}
