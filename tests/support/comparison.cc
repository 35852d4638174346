#include "tests/support/comparison.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "tests/support/files.h"
#include "tests/support/zhiyin.h"

namespace zhiyin::testing {

using nlohmann::json;

std::vector<std::string> ConfigsNamed(const std::string& prefix) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(SourcePath("configs"))) {
    const std::string name = entry.path().stem();
    if (entry.path().extension() == ".textproto" && name.starts_with(prefix)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Comparison::Comparison(const std::vector<std::string>& configs, const std::vector<int>& seeds,
                       double timeout_s) {
  TempFolder folder;
  const auto joined = [](const auto& all, const auto& text) {
    std::string list;
    for (const auto& each : all) list += (list.empty() ? "" : ",") + text(each);
    return list;
  };
  Arguments arguments = {"compare", "--config=" + joined(configs, [](const std::string& config) {
                                      return SourcePath("configs/" + config + ".textproto");
                                    })};
  if (!seeds.empty())
    arguments.push_back("--seeds=" + joined(seeds, [](int seed) { return std::to_string(seed); }));
  arguments.push_back("--output=" + folder.Path("out"));
  const ProcessResult result = RunZhiyin(0, arguments, timeout_s);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  std::printf("%s\n", result.out.c_str());
  for (const json& config : json::parse(ReadFile(folder.Path("out/compare.json"))))
    by_name_[config["config"]] = config;
}

const json& Comparison::Metric(const std::string& config, const std::string& task,
                               const std::string& metric) const {
  return by_name_.at(config).at("tasks").at(task).at(metric);
}

std::vector<double> Comparison::Values(const std::string& config, const std::string& task,
                                       const std::string& metric) const {
  return Metric(config, task, metric).at("values");
}

double Comparison::Mean(const std::string& config, const std::string& task,
                        const std::string& metric) const {
  return Metric(config, task, metric).at("mean");
}

double Mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double Spread(const std::vector<double>& values) {
  double squares = 0;
  for (const double value : values) squares += (value - Mean(values)) * (value - Mean(values));
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

std::vector<double> Sum(std::vector<double> a, const std::vector<double>& b) {
  for (size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}

void ExpectLess(const std::vector<double>& a, const std::vector<double>& b,
                const std::string& what) {
  EXPECT_GT(Mean(b) - Mean(a), std::max(Spread(a), Spread(b)))
      << what << ": " << Mean(a) << " ± " << Spread(a) << " against " << Mean(b) << " ± "
      << Spread(b);
}

}  // namespace zhiyin::testing
