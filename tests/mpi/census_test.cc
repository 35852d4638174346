// The main job on real data, as users run it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <tuple>

#include "tests/support/files.h"
#include "tests/support/zhiyin.h"

namespace zhiyin::testing {
namespace {

struct Quality {
  const char* config;
  double income_auc;
  double never_married_auc;
};

/// (config, staleness, number of seeds): 2 servers, 2 workers, 4 epochs. The bounds are for means
/// over seeds at staleness 0. Where staleness is unbounded, the AUCs of a seed depend on how busy
/// the machine is: those of never_married were 0.9936 to 0.9942 in runs beside compilers.
class CensusQuality : public ::testing::TestWithParam<std::tuple<Quality, int, int>> {
 protected:
  static constexpr double kStale = 0.0006;  // by so much a mean may be lower away from staleness 0
  static constexpr double kSeed = 0.001;    // by so much a seed may be below the bound of the mean
};

TEST_P(CensusQuality, ReachesASingleMachinesAccuracy) {
  auto [quality, staleness, n_seeds] = GetParam();
  if (staleness != 0) {
    quality.income_auc -= kStale;
    quality.never_married_auc -= kStale;
  }
  double income_auc = 0;
  double never_married_auc = 0;
  for (int seed = 1; seed <= n_seeds; ++seed) {
    const auto summary = Train(4, {"--servers=2", "--config=" + SourcePath(quality.config),
                                   "--seed=" + std::to_string(seed), "--set",
                                   "train.staleness=" + std::to_string(staleness)});
    const double income = summary["tasks"]["income"]["auc"];
    const double never_married = summary["tasks"]["never_married"]["auc"];
    std::printf("seed %d: AUC of income %.5f, of never_married %.5f\n", seed, income,
                never_married);
    EXPECT_GE(income, quality.income_auc - kSeed) << "seed " << seed;
    EXPECT_GE(never_married, quality.never_married_auc - kSeed) << "seed " << seed;
    income_auc += income / n_seeds;
    never_married_auc += never_married / n_seeds;
    EXPECT_EQ(summary["epochs"], 4);
    EXPECT_EQ(summary["samples"], 4 * 66508);
    EXPECT_EQ(summary["tasks"]["income"]["samples"], 33254);
  }
  EXPECT_GE(income_auc, quality.income_auc);
  EXPECT_GE(never_married_auc, quality.never_married_auc);
}

constexpr Quality kMmoe{"configs/census_mmoe.textproto", 0.9410, 0.9938};
constexpr Quality kSharedBottom{"configs/census_shared_bottom.textproto", 0.9405, 0.9936};

std::string NameOfRun(const ::testing::TestParamInfo<CensusQuality::ParamType>& test) {
  const std::string config = std::get<0>(test.param).config;
  return (config.find("mmoe") != std::string::npos ? std::string("Mmoe")
                                                   : std::string("SharedBottom")) +
         (std::get<1>(test.param) == 0 ? "Synchronous" : "Asynchronous");
}

INSTANTIATE_TEST_SUITE_P(Runs, CensusQuality,
                         ::testing::Combine(::testing::Values(kMmoe), ::testing::Values(0, -1),
                                            ::testing::Values(1)),
                         NameOfRun);
INSTANTIATE_TEST_SUITE_P(ThoroughMmoe, CensusQuality,
                         ::testing::Combine(::testing::Values(kMmoe), ::testing::Values(0, -1),
                                            ::testing::Values(3)),
                         NameOfRun);
INSTANTIATE_TEST_SUITE_P(ThoroughSharedBottom, CensusQuality,
                         ::testing::Combine(::testing::Values(kSharedBottom),
                                            ::testing::Values(0, -1), ::testing::Values(3)),
                         NameOfRun);

/// What two runs must agree on to the last bit: the metrics of every evaluation, and the losses at
/// the end.
std::string Bits(int n_ranks, const Arguments& arguments) {
  TempFolder folder;
  Arguments all = {"train",           "--config=" + SourcePath("configs/census_mmoe.textproto"),
                   "--set",           "train.epochs=2",
                   "--set",           "data.train.n_rows=16000",
                   "--set",           "data.test.n_rows=8000",
                   "--progress=none", "--output=" + folder.Path("out")};
  all.insert(all.end(), arguments.begin(), arguments.end());
  const ProcessResult result = RunZhiyin(n_ranks, all);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  if (result.exit_code != 0) return "";
  const auto summary = nlohmann::json::parse(ReadFile(folder.Path("out/summary.json")));
  return ReadFile(folder.Path("out/metrics.jsonl")) + summary["train_loss"].dump() + " " +
         summary["test_loss"].dump();
}

TEST(CensusBits, DoNotDependOnServersWorkersOrNetwork) {
  const std::string expected = Bits(2, {"--servers=1"});
  ASSERT_NE(expected.find("\"epoch\":2,"), std::string::npos) << expected;
  EXPECT_EQ(Bits(2, {"--servers=1"}), expected) << "1x1 over MPI, again";
  EXPECT_EQ(Bits(4, {"--servers=3"}), expected) << "3x1 over MPI";
  EXPECT_EQ(Bits(5, {"--servers=1"}), expected) << "1x4 over MPI";
  EXPECT_EQ(Bits(7, {"--servers=3"}), expected) << "3x4 over MPI";
  for (const char* shape : {"1x1", "3x1", "1x4", "3x4"})
    EXPECT_EQ(Bits(0, {std::string("--simulate=") + shape}), expected) << shape << " simulated";
  EXPECT_NE(Bits(3, {"--servers=1", "--seed=2"}), expected) << "another seed";
}

/// By staleness: AUCs of Census MMoE with 2 servers and 4 workers, in the mean of seeds 1 to 5
/// within 0.002 of those at staleness 0, and none below by more than 0.004.
class CensusStaleness : public ::testing::TestWithParam<int> {};

TEST_P(CensusStaleness, CostsNextToNothing) {
  const auto train = [](int seed, int staleness) {
    return Train(6, {"--servers=2", "--config=" + SourcePath("configs/census_mmoe.textproto"),
                     "--seed=" + std::to_string(seed), "--set",
                     "train.staleness=" + std::to_string(staleness)})["tasks"];
  };
  constexpr int kSeeds = 5;
  std::map<std::string, double> mean_loss;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    const auto synchronous = train(seed, 0);
    const auto stale = train(seed, GetParam());
    for (const char* task : {"income", "never_married"}) {
      const double loss = synchronous[task]["auc"].get<double>() - stale[task]["auc"].get<double>();
      EXPECT_LE(loss, 0.004) << task << ", seed " << seed;
      mean_loss[task] += loss / kSeeds;
    }
  }
  for (const auto& [task, loss] : mean_loss) {
    std::printf("staleness %d, AUC of %s: %.5f less in the mean\n", GetParam(), task.c_str(), loss);
    EXPECT_LE(loss, 0.002) << task;
  }
}

INSTANTIATE_TEST_SUITE_P(Thorough, CensusStaleness, ::testing::Values(4, -1), [](const auto& test) {
  return test.param < 0 ? std::string("Unbounded") : "N" + std::to_string(test.param);
});

TEST(CensusModel, EvaluatesToTheSameDigitsWithAnyRanks) {
  TempFolder folder;
  const ProcessResult trained = RunZhiyin(
      4, {"train", "--config=" + SourcePath("configs/census_mmoe.textproto"), "--servers=2",
          "--set", "train.epochs=1", "--output=" + folder.Path("out"), "--progress=none"});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  const auto summary = nlohmann::json::parse(ReadFile(folder.Path("out/summary.json")));
  const std::string table = trained.out.substr(trained.out.find("test split"));
  for (const auto& [n_ranks, n_servers] : {std::pair(2, 1), std::pair(5, 3), std::pair(6, 1)}) {
    const std::string output = folder.Path("again" + std::to_string(n_ranks));
    const ProcessResult again =
        RunZhiyin(n_ranks, {"evaluate", "--checkpoint=" + folder.Path("out"),
                            "--servers=" + std::to_string(n_servers), "--output=" + output});
    ASSERT_EQ(again.exit_code, 0) << again.err;
    EXPECT_TRUE(table.starts_with(again.out)) << again.out << "\nexpected\n" << table;
    EXPECT_EQ(nlohmann::json::parse(ReadFile(output + "/summary.json"))["tasks"], summary["tasks"]);
  }
}

TEST(CensusModel, PredictsTheSameBytesWithAnyRanks) {
  TempFolder folder;
  const ProcessResult trained =
      RunZhiyin(3, {"train", "--config=" + SourcePath("configs/census_mmoe.textproto"), "--set",
                    "train.epochs=1", "--output=" + folder.Path("out"), "--progress=none"});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  std::string expected;
  for (const auto& [n_ranks, n_servers] : {std::pair(2, 1), std::pair(6, 2), std::pair(0, 0)}) {
    const std::string output = folder.Path("predictions" + std::to_string(n_ranks));
    Arguments arguments = {"predict", "--checkpoint=" + folder.Path("out"), "--output=" + output};
    arguments.push_back(n_ranks > 0 ? "--servers=" + std::to_string(n_servers) : "--simulate=3x3");
    const ProcessResult result = RunZhiyin(n_ranks, arguments);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_NE(
        result.out.find("predictions of 33254 rows, 0 of them malformed and left empty, are in " +
                        output + "\n"),
        std::string::npos)
        << result.out;
    const std::string text = ReadFile(output);
    if (expected.empty()) expected = text;
    EXPECT_TRUE(text == expected) << n_ranks << " ranks";
  }
  EXPECT_TRUE(expected.starts_with("row\tincome\tnever_married\n0\t0."));
  EXPECT_EQ(std::count(expected.begin(), expected.end(), '\n'), 1 + 33254);
  EXPECT_EQ(ErrorLines(RunZhiyin(2, {"predict", "--checkpoint=" + folder.Path("out")})),
            std::vector<std::string>{"predict: --output is missing: expected the file to write"});
}

}  // namespace
}  // namespace zhiyin::testing
