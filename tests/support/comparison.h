// What `zhiyin compare` says of jobs in configs/.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace zhiyin::testing {

/// Names, without folder and ending, of the jobs in configs/ that begin so, in alphabetical order.
std::vector<std::string> ConfigsNamed(const std::string& prefix);

/// Runs jobs of configs/, each with every seed, and prints the table; fails the test where it
/// cannot.
class Comparison {
 public:
  /// With no seeds, each job runs once with its own.
  explicit Comparison(const std::vector<std::string>& configs,
                      const std::vector<int>& seeds = {1, 2, 3, 4, 5}, double timeout_s = 110);

  /// One a seed.
  std::vector<double> Values(const std::string& config, const std::string& task,
                             const std::string& metric) const;
  double Mean(const std::string& config, const std::string& task, const std::string& metric) const;

 private:
  const nlohmann::json& Metric(const std::string& config, const std::string& task,
                               const std::string& metric) const;

  std::map<std::string, nlohmann::json> by_name_;  // by config: task: metric
};

double Mean(const std::vector<double>& values);
/// The standard deviation.
double Spread(const std::vector<double>& values);
/// Adds two vectors of equal size, element by element.
std::vector<double> Sum(std::vector<double> a, const std::vector<double>& b);

/// Expects that a is less than b by more than the spread of either.
void ExpectLess(const std::vector<double>& a, const std::vector<double>& b,
                const std::string& what);

}  // namespace zhiyin::testing
