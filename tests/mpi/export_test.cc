// `zhiyin export`: files that other programs load.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/file.h"
#include "launch/apps/export/npz_file.h"
#include "tests/support/files.h"
#include "tests/support/process.h"
#include "tests/support/taste_job.h"
#include "tests/support/zhiyin.h"

namespace zhiyin::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

/// A job on ratings in a file, with several values in a row, missing values and all kinds of
/// pooling.
std::string RatingsConfig(const std::string& file, const std::string& model) {
  return R"(name: "ratings"
      data { text { delimiter: "\t" header: true } train { file: ")" +
         file + R"(" } test { file: ")" + file + R"(" n_rows: 500 } }
      table { name: "t" dim: 6 optimizer { adagrad { learning_rate: 0.1 } } init { normal { stddev: 0.3 } } }
      field { name: "user_group" } field { name: "user_region" pooling: MEAN } field { name: "item_genre" pooling: MAX }
      field { name: "item_maker" } field { name: "item_tags" separator: "|" pooling: )" +
         (model.find("cross") == std::string::npos ? "MEAN" : "MAX") + R"( }
      numeric { name: "user_age" log1p: true } numeric { name: "item_quality" }
      task { name: "stars" label { column: "rating" number {} } squared_error {} }
      task { name: "like" label { column: "rating" at_least: 3.5 } binary_cross_entropy {} }
      model { )" +
         model + R"( }
      train { epochs: 1 batch_size: 256 slices: 2 seed: 1 dense_optimizer { adam { learning_rate: 0.003 } } })";
}

class Export : public ::testing::Test {
 protected:
  std::string Ratings() {
    const std::string config = folder_.Write("generate.textproto", R"(
        data { generated_ratings { n_rows: 8000 seed: 3 } train {} }
        table { name: "t" dim: 2 optimizer { sgd { learning_rate: 1 } } } field { name: "user_group" }
        task { name: "stars" label { column: "rating" number {} } squared_error {} }
        model { shared_bottom { bottom: 2 } } train { epochs: 1 batch_size: 4 dense_optimizer { sgd { learning_rate: 1 } } })");
    const std::string file = folder_.Path("ratings.tsv");
    const ProcessResult result =
        RunZhiyin(0, {"generate", "--config=" + config, "--output=" + file});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return file;
  }
  void TrainInto(const std::string& config, const std::string& output) {
    const ProcessResult result = RunZhiyin(
        2, {"train", "--config=" + config, "--output=" + output, "--progress=none", "--overwrite"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }
  ProcessResult Run(const std::string& model, const std::string& output, Arguments more = {}) {
    more.insert(more.begin(), {"export", "--checkpoint=" + model, "--output=" + output});
    return RunZhiyin(0, more);
  }
  TempFolder folder_;
};

TEST_F(Export, VectorsAndGraphGiveThePredictionsInOtherPrograms) {
  if (RunProcess({"python3", "-c", "import numpy, onnx"}, 60).exit_code != 0 &&
      RunProcess({"python3", "-c", "import numpy, onnxruntime"}, 60).exit_code != 0)
    GTEST_SKIP() << "python3 has no numpy with onnx or onnxruntime: the graph is checked by our "
                    "own evaluator elsewhere";
  const std::string rows = Ratings();
  // Some values that training does not know, some that are missing.
  std::string test = ReadWholeFile(rows, 1 << 24);
  test.resize(test.find('\n', 40'000) + 1);
  for (size_t at = 2000; at < test.size(); at += 997) {
    const size_t tab = test.find('\t', at);
    const size_t next = test.find_first_of("\t\n", tab + 1);
    if (next != std::string::npos && test[next] == '\t')
      test.replace(tab + 1, next - tab - 1,
                   at % 2 == 0 ? "" : test.substr(tab + 1, next - tab - 1));
  }
  const std::string test_file = folder_.Write("test.tsv", test);
  for (const std::string model :
       {"mmoe { n_experts: 3 expert: [8, 6] tower: 4 } hidden { normalization: BATCH }",
        "ple { level { shared_experts: 1 task_experts: 1 expert: 6 } level { shared_experts: 1 "
        "task_experts: 1 expert: 6 } tower: 3 } "
        "interaction { cross_v2 { n_layers: 2 } } interaction { fm { field: [\"user_group\", "
        "\"item_genre\", \"item_tags\"] } }"}) {
    const std::string config = folder_.Write("job.textproto", RatingsConfig(rows, model));
    TrainInto(config, folder_.Path("model"));
    const ProcessResult exported =
        Run(folder_.Path("model"), folder_.Path("new/export"), {"--overwrite"});
    ASSERT_EQ(exported.exit_code, 0) << exported.err;
    const ProcessResult predicted =
        RunZhiyin(2, {"predict", "--checkpoint=" + folder_.Path("model"),
                      "--output=" + folder_.Path("predicted.tsv"), "--overwrite", "--set",
                      "data.test.file=" + test_file, "--set", "data.test.n_rows=0"});
    ASSERT_EQ(predicted.exit_code, 0) << predicted.err;
    const ProcessResult checked =
        RunProcess({"python3", SourcePath("tests/support/check_export.py"),
                    folder_.Path("new/export"), test_file, folder_.Path("predicted.tsv")},
                   100);
    EXPECT_EQ(checked.exit_code, 0) << checked.err;
    std::printf("%s", checked.out.c_str());
  }
}

TEST_F(Export, HoldsEveryFieldAndTheTowersByTheirIds) {
  const std::string config =
      folder_.Write("job.textproto", TasteConfig(folder_.Write("events.csv", TasteEvents())));
  TrainInto(config, folder_.Path("model"));
  const ProcessResult exported = Run(folder_.Path("model"), folder_.Path("all"));
  ASSERT_EQ(exported.exit_code, 0) << exported.err;
  EXPECT_THAT(exported.out, HasSubstr("fields/item.npz: 40 ids, 8 columns"));
  const launch::apps::IdVectors items = launch::apps::ReadNpz(folder_.Path("all/towers/item.npz"));
  EXPECT_EQ(items.ids.size(), 40u);
  EXPECT_EQ(launch::apps::ReadNpz(folder_.Path("all/towers/user.npz")).ids.size(), 60u);
  const launch::apps::IdVectors fields = launch::apps::ReadNpz(folder_.Path("all/fields/item.npz"));
  // The tower without hidden layers is the item's row itself.
  for (size_t i = 0; i < fields.ids.size(); ++i) {
    const auto at =
        std::find(items.ids.begin(), items.ids.end(), fields.ids[i]) - items.ids.begin();
    EXPECT_TRUE(std::equal(fields.vectors.begin() + static_cast<std::ptrdiff_t>(8 * i),
                           fields.vectors.begin() + static_cast<std::ptrdiff_t>(8 * i + 8),
                           items.vectors.begin() + 8 * at));
  }
  const nlohmann::json facts =
      nlohmann::json::parse(ReadWholeFile(folder_.Path("all/export.json"), 1 << 20));
  EXPECT_EQ(facts["files"].size(), 5u);
  EXPECT_EQ(facts["onnx_operator_set"], 13);
  EXPECT_TRUE(fs::exists(folder_.Path("all/model.onnx")));

  // Nothing changed since; then another model, and with an item less.
  EXPECT_EQ(Run(folder_.Path("model"), folder_.Path("none"), {"--since=" + folder_.Path("all")})
                .exit_code,
            0);
  EXPECT_TRUE(launch::apps::ReadNpz(folder_.Path("none/fields/item.npz")).ids.empty());
  std::string fewer;
  std::istringstream lines(TasteEvents());
  for (std::string line; std::getline(lines, line);) {
    if (line.find(",i7,") == std::string::npos) fewer += line + "\n";
  }
  folder_.Write("events.csv", fewer);
  TrainInto(config, folder_.Path("next"));
  const ProcessResult delta =
      Run(folder_.Path("next"), folder_.Path("delta"), {"--since=" + folder_.Path("all")});
  ASSERT_EQ(delta.exit_code, 0) << delta.err;
  const launch::apps::IdVectors changes =
      launch::apps::ReadNpz(folder_.Path("delta/fields/item.npz"));
  EXPECT_EQ(changes.removed, std::vector<std::string>{"i7"});
  EXPECT_EQ(changes.ids.size(), 39u);

  // Misuse.
  const auto error = [&](const std::string& output, const Arguments& more) {
    const ProcessResult result = Run(folder_.Path("model"), output, more);
    EXPECT_NE(result.exit_code, 0);
    return result.err;
  };
  EXPECT_THAT(error(folder_.Path("all"), {}),
              HasSubstr("holds an export, expected an empty or new folder, or --overwrite"));
  EXPECT_THAT(error(folder_.Path("x"), {"--since=" + folder_.Path("delta")}),
              HasSubstr("holds changes only, expected a whole export"));
  EXPECT_THAT(error(folder_.Path("x"), {"--since=" + folder_.Path("model")}),
              HasSubstr("no export.json there"));
  EXPECT_THAT(error(folder_.Path("x"), {"--format=csv"}),
              HasSubstr("--format=csv: expected npz or tsv"));
  EXPECT_THAT(error(folder_.Path("all"), {"--overwrite", "--since=" + folder_.Path("all")}),
              HasSubstr("is the output folder"));
  EXPECT_FALSE(fs::exists(folder_.Path("x")));
}

TEST_F(Export, SaysWhichModelsHaveNoGraph) {
  const std::string config =
      folder_.Write("job.textproto", RatingsConfig(Ratings(), "cross_stitch { hidden: 5 }"));
  TrainInto(config, folder_.Path("model"));
  const ProcessResult refused = Run(folder_.Path("model"), folder_.Path("new/export"));
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err,
              HasSubstr("model.onnx: this kind of model has no form of standard operators"));
  EXPECT_THAT(refused.err, HasSubstr("--noonnx exports the vectors alone"));
  EXPECT_EQ(Run(folder_.Path("model"), folder_.Path("new/export"), {"--noonnx", "--format=tsv"})
                .exit_code,
            0);
  EXPECT_TRUE(fs::exists(folder_.Path("new/export/fields/item_tags.tsv")));
  EXPECT_FALSE(fs::exists(folder_.Path("new/export/model.onnx")));
}

}  // namespace
}  // namespace zhiyin::testing
