// The main job on real data, as users run it.
#include <gtest/gtest.h>

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

/// (config, staleness, seed): 2 servers, 2 workers, 4 epochs.
class CensusQuality : public ::testing::TestWithParam<std::tuple<Quality, int, int>> {};

TEST_P(CensusQuality, ReachesASingleMachinesAccuracy) {
  const auto [quality, staleness, seed] = GetParam();
  const auto summary =
      Train(4, {"--servers=2", "--config=" + SourcePath(quality.config), "--seed=" + std::to_string(seed),
                "--set", "train.staleness=" + std::to_string(staleness)});
  EXPECT_GE(summary["tasks"]["income"]["auc"], quality.income_auc);
  EXPECT_GE(summary["tasks"]["never_married"]["auc"], quality.never_married_auc);
  EXPECT_EQ(summary["epochs"], 4);
  EXPECT_EQ(summary["samples"], 4 * 66508);
  EXPECT_EQ(summary["tasks"]["income"]["samples"], 33254);
}

INSTANTIATE_TEST_SUITE_P(
    Runs, CensusQuality,
    ::testing::Combine(::testing::Values(Quality{"configs/census_mmoe.textproto", 0.9410, 0.9938},
                                         Quality{"configs/census_shared_bottom.textproto", 0.9405, 0.9936}),
                       ::testing::Values(0, -1), ::testing::Values(1, 2, 3)),
    [](const auto& test) {
      const std::string config = std::get<0>(test.param).config;
      return (config.find("mmoe") != std::string::npos ? std::string("Mmoe") : std::string("SharedBottom")) +
             (std::get<1>(test.param) == 0 ? "Synchronous" : "Asynchronous") + "Seed" +
             std::to_string(std::get<2>(test.param));
    });

/// What two runs must agree on to the last bit.
std::vector<double> Numbers(const nlohmann::json& summary) {
  std::vector<double> numbers = {summary["train_loss"], summary["test_loss"]};
  for (const auto& [task, metrics] : summary["tasks"].items()) {
    for (const char* metric : {"auc", "log_loss", "mse", "calibration"}) numbers.push_back(metrics[metric]);
  }
  return numbers;
}

TEST(CensusBits, DoNotDependOnServersWorkersOrNetwork) {
  const std::string config = "--config=" + SourcePath("configs/census_mmoe.textproto");
  const Arguments two_epochs = {config, "--set", "train.epochs=2"};
  const auto with = [&](const std::string& argument) {
    Arguments arguments = two_epochs;
    arguments.push_back(argument);
    return arguments;
  };
  const std::vector<double> expected = Numbers(Train(3, with("--servers=1")));
  EXPECT_EQ(Numbers(Train(3, with("--servers=1"))), expected) << "1x2 over MPI, again";
  EXPECT_EQ(Numbers(Train(5, with("--servers=3"))), expected) << "3x2 over MPI";
  EXPECT_EQ(Numbers(Train(5, with("--servers=3"))), expected) << "3x2 over MPI, again";
  EXPECT_EQ(Numbers(Train(2, with("--servers=1"))), expected) << "1x1 over MPI";
  EXPECT_EQ(Numbers(Train(7, with("--servers=3"))), expected) << "3x4 over MPI";
  for (const char* shape : {"1x2", "3x2", "1x1", "3x4"}) {
    EXPECT_EQ(Numbers(Train(0, with(std::string("--simulate=") + shape))), expected) << shape << " simulated";
  }
  EXPECT_NE(Numbers(Train(3, {config, "--servers=1", "--set", "train.epochs=2", "--seed=2"})), expected)
      << "another seed";
}

TEST(CensusModel, EvaluatesToTheSameDigitsWithAnyRanks) {
  TempFolder folder;
  const ProcessResult trained =
      RunZhiyin(4, {"train", "--config=" + SourcePath("configs/census_mmoe.textproto"), "--servers=2",
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

}  // namespace
}  // namespace zhiyin::testing
