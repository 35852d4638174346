#include "launch/apps/compare/compare.h"

#include <gmock/gmock.h>

#include "common/error.h"
#include "tests/support/files.h"

namespace zhiyin::launch::apps {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Json = nlohmann::ordered_json;
using zhiyin::testing::ReadFile;
using zhiyin::testing::SourcePath;
using zhiyin::testing::TempFolder;

Json Summary(double auc, double mse) {
  return {{"tasks", {{"click", {{"auc", auc}, {"mse", mse}, {"log_loss", nullptr}}}}}};
}

const std::vector<ComparedConfig> kTwo = {{"first", {Summary(0.5, 0.25), Summary(0.7, 0.25)}},
                                          {"second", {Summary(0.75, 0.125), Summary(0.75, 0.375)}}};

TEST(Compare, PrintsMeansSpreadsAndDifferences) {
  EXPECT_EQ(ComparisonTable(kTwo, false),
            "test split, mean ± standard deviation over 2 seeds\n"
            "\n"
            "click                 AUC                  MSE  AUC against the first\n"
            "first   0.60000 ± 0.14142  0.250000 ± 0.000000               +0.00000\n"
            "second  0.75000 ± 0.00000  0.250000 ± 0.176777               +0.15000\n");
  EXPECT_EQ(ComparisonTable(kTwo, true),
            "test split, mean ± standard deviation over 2 seeds\n"
            "\n"
            "| click | AUC | MSE | AUC against the first |\n"
            "|---|---:|---:|---:|\n"
            "| first | 0.60000 ± 0.14142 | 0.250000 ± 0.000000 | +0.00000 |\n"
            "| second | 0.75000 ± 0.00000 | 0.250000 ± 0.176777 | +0.15000 |\n");
}

TEST(Compare, TellsOfOneSeedWithoutASpread) {
  EXPECT_EQ(ComparisonTable({{"only", {Summary(0.5, 0.25)}}}, false),
            "test split, mean over 1 seed\n"
            "\n"
            "click      AUC       MSE  AUC against the first\n"
            "only   0.50000  0.250000               +0.00000\n");
}

TEST(Compare, LeavesOutWhatAConfigDoesNotHave) {
  std::vector<ComparedConfig> configs = kTwo;
  configs[1].summaries = {{{"tasks", {{"purchase", {{"auc", nullptr}, {"mse", 2.5}}}}}}};
  const std::string table = ComparisonTable(configs, false);
  EXPECT_THAT(table, HasSubstr("over 1 to 2 seeds\n"));
  EXPECT_THAT(table, HasSubstr("purchase       MSE  MSE against the first\n"
                               "second    2.500000                      -\n"));
}

TEST(Compare, KeepsEveryNumber) {
  const Json all = ComparisonJson(kTwo);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1]["config"], "second");
  const Json& mse = all[1]["tasks"]["click"]["mse"];
  EXPECT_EQ(mse["mean"], 0.25);
  EXPECT_EQ(mse["min"], 0.125);
  EXPECT_EQ(mse["max"], 0.375);
  EXPECT_THAT(mse["values"].get<std::vector<double>>(), ElementsAre(0.125, 0.375));
}

/// What Compare prints, with small jobs.
struct Said {
  explicit Said(CompareOptions options) {
    options.print = [this](const std::string& text) { out += text; };
    options.print_error = [this](const std::string& line) { errors.push_back(line); };
    code = Compare(options);
  }
  int code = 0;
  std::string out;
  std::vector<std::string> errors;
};

CompareOptions Small(const std::string& config) {
  CompareOptions options;
  options.configs = {SourcePath("configs/planted_conflict.textproto"), SourcePath(config)};
  options.seeds = {"1", "2", "3"};
  options.overrides = {"train.epochs=1", "data.train.n_rows=2000", "data.test.n_rows=500"};
  return options;
}

TEST(Compare, RunsEveryConfigWithEverySeed) {
  TempFolder folder;
  CompareOptions options = Small("configs/planted_conflict_pc_grad.textproto");
  options.output = folder.Path();
  options.n_servers = 2;
  options.n_workers = 2;
  options.overrides.push_back("train.slices=2");
  const Said said(options);
  EXPECT_EQ(said.code, 0);
  EXPECT_THAT(said.errors, ElementsAre());
  for (const char* text :
       {"planted_conflict.textproto, seed 3: y_0 MSE",
        "planted_conflict_pc_grad.textproto, seed 1: ", "over 3 seeds", "conflict"})
    EXPECT_THAT(said.out, HasSubstr(text));
  const Json all = Json::parse(ReadFile(folder.Path("compare.json")));
  EXPECT_EQ(all[1]["tasks"]["y_1"]["gradient_conflict"]["values"].size(), 3u);
  // The same whatever runs beside it, and on however many ranks.
  options.n_servers = options.n_workers = 1;
  options.configs.erase(options.configs.begin());
  const Said alone(options);
  EXPECT_EQ(alone.code, 0);
  EXPECT_EQ(Json::parse(ReadFile(folder.Path("compare.json")))[0], all[1]);
}

TEST(Compare, NamesWhatFailedAndGoesOnWithTheOthers) {
  CompareOptions options = Small("configs/planted_related_mmoe.textproto");
  options.overrides.push_back("train.dense_optimizer={sgd {learning_rate: 1e38}}");
  options.configs.pop_back();
  const Said none(options);
  EXPECT_EQ(none.code, 1);
  ASSERT_EQ(none.errors.size(), 3u);
  EXPECT_THAT(none.errors[0], HasSubstr("planted_conflict.textproto, seed "));
  EXPECT_THAT(none.errors[0], HasSubstr("expected a finite number"));
  EXPECT_THAT(none.out, HasSubstr("over 0 seeds"));
}

TEST(Compare, TellsConfigsOfOneNameApartByTheirPaths) {
  TempFolder folder;
  CompareOptions options = Small("configs/planted_conflict.textproto");
  options.configs.pop_back();
  options.seeds = {"1"};
  std::filesystem::create_directory(folder.Path("b"));
  options.configs.push_back(
      folder.Write("b/planted_conflict.textproto", ReadFile(options.configs[0])));
  const Said said(options);
  EXPECT_EQ(said.code, 0);
  for (const std::string& config : options.configs)
    EXPECT_THAT(said.out, HasSubstr("\n" + config + " ")) << said.out;
}

TEST(Compare, RefusesBeforeTheFirstRun) {
  CompareOptions options = Small("configs/planted_related_mmoe.textproto");
  options.configs.push_back("/nowhere/job.textproto");
  EXPECT_THROW(Said{options}, Error);
  options = Small("configs/planted_related_mmoe.textproto");
  options.overrides = {"train.epocs=1"};
  EXPECT_THROW(Said{options}, Error);
}

}  // namespace
}  // namespace zhiyin::launch::apps
