// Generated data whose truth is known, by the commands that docs/models.md shows. A margin counts
// when it is larger than the spread, the standard deviation over five seeds, of either side.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "tests/support/files.h"
#include "tests/support/zhiyin.h"

namespace zhiyin::testing {
namespace {

using nlohmann::json;

/// By config: task: metric.
class Comparison {
 public:
  explicit Comparison(const std::vector<std::string>& configs) {
    TempFolder folder;
    std::string paths;
    for (const std::string& config : configs)
      paths += (paths.empty() ? "" : ",") + SourcePath("configs/" + config + ".textproto");
    const ProcessResult result = RunZhiyin(
        0, {"compare", "--config=" + paths, "--seeds=1,2,3,4,5", "--output=" + folder.Path("out")},
        110);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    std::printf("%s\n", result.out.c_str());
    for (const json& config : json::parse(ReadFile(folder.Path("out/compare.json"))))
      by_name_[config["config"]] = config;
  }

  std::vector<double> Values(const std::string& config, const std::string& task,
                             const std::string& metric) const {
    return by_name_.at(config).at("tasks").at(task).at(metric).at("values");
  }

 private:
  std::map<std::string, json> by_name_;
};

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

/// By more than the spread of either.
void ExpectLess(const std::vector<double>& a, const std::vector<double>& b,
                const std::string& what) {
  EXPECT_GT(Mean(b) - Mean(a), std::max(Spread(a), Spread(b)))
      << what << ": " << Mean(a) << " ± " << Spread(a) << " against " << Mean(b) << " ± "
      << Spread(b);
}

TEST(ThoroughPlantedTruth, ExpertsBeatASharedBottomOnTasksThatAreNotRelated) {
  const Comparison compared(
      {"planted_related_shared_bottom", "planted_related_mmoe", "planted_related_ple"});
  const auto both = [&](const std::string& config) {
    return Sum(compared.Values(config, "y_0", "mse"), compared.Values(config, "y_1", "mse"));
  };
  for (const char* config : {"planted_related_mmoe", "planted_related_ple"})
    ExpectLess(both(config), both("planted_related_shared_bottom"), config);
}

TEST(ThoroughPlantedTruth, EsmmRecoversTheConversionRateWhereClicksAloneAreBiased) {
  const Comparison compared({"planted_clicks_only", "planted_esmm"});
  ExpectLess(compared.Values("planted_esmm", "conversion", "mse"),
             compared.Values("planted_clicks_only", "conversion", "mse"),
             "distance from the truth");
  const auto bias = [&](const std::string& config) {
    std::vector<double> values = compared.Values(config, "conversion", "calibration");
    for (double& value : values) value = std::abs(value - 1);
    return values;
  };
  EXPECT_GT(Mean(bias("planted_clicks_only")), 0.2) << "there is no bias to take away";
  ExpectLess(bias("planted_esmm"), bias("planted_clicks_only"), "bias");
}

TEST(ThoroughPlantedTruth, AitmBeatsIndependentTowersOnAChain) {
  const Comparison compared({"planted_independent", "planted_aitm"});
  for (const char* step : {"step_2", "step_3", "step_4"}) {
    ExpectLess(compared.Values("planted_independent", step, "auc"),
               compared.Values("planted_aitm", step, "auc"), step);
  }
}

TEST(ThoroughPlantedTruth, GradientSurgeryTakesConflictAway) {
  const Comparison compared(
      {"planted_conflict", "planted_conflict_pc_grad", "planted_conflict_ca_grad"});
  for (const char* config : {"planted_conflict_pc_grad", "planted_conflict_ca_grad"}) {
    for (const char* metric : {"gradient_conflict", "mse"}) {
      ExpectLess(compared.Values(config, "y_0", metric),
                 compared.Values("planted_conflict", "y_0", metric),
                 std::string(config) + " " + metric);
    }
  }
}

TEST(ThoroughCensusTable, NoArchitectureIsFarBelowSingleTasks) {
  TempFolder folder;
  std::string paths = SourcePath("configs/census_single_task.textproto");
  for (const char* model : {"shared_bottom", "mmoe", "cgc", "ple", "aitm", "cross_stitch", "stem",
                            "dcn_mmoe", "deepfm"})
    paths += "," + SourcePath("configs/census_" + std::string(model) + ".textproto");
  const ProcessResult result =
      RunZhiyin(0, {"compare", "--config=" + paths, "--output=" + folder.Path("out")}, 115);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  std::printf("%s\n", result.out.c_str());
  const json compared = json::parse(ReadFile(folder.Path("out/compare.json")));
  ASSERT_EQ(compared[2]["config"], "census_mmoe");
  EXPECT_GE(compared[2]["tasks"]["income"]["auc"]["mean"], 0.9415);
  EXPECT_GE(compared[2]["tasks"]["never_married"]["auc"]["mean"], 0.9939);
  for (const char* task : {"income", "never_married"}) {
    const double single = compared[0]["tasks"][task]["auc"]["mean"];
    for (const json& config : compared)
      EXPECT_GT(config["tasks"][task]["auc"]["mean"], single - 0.003)
          << config["config"] << " " << task;
  }
}

}  // namespace
}  // namespace zhiyin::testing
