// `zhiyin export`: files that other programs load.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "common/file.h"
#include "launch/apps/export/npz_file.h"
#include "launch/job/load_job.h"
#include "tests/support/example_jobs.h"
#include "tests/support/exports.h"
#include "tests/support/files.h"
#include "tests/support/taste_job.h"
#include "tests/support/zhiyin.h"
#include "worker/model/network/networks.h"

namespace zhiyin::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Export : public ::testing::Test {
 protected:
  void TrainInto(const std::string& config, const std::string& output) const {
    exports_.TrainInto(config, output);
  }
  ProcessResult Run(const std::string& model, const std::string& output,
                    const Arguments& more = {}) const {
    return exports_.Export(model, output, more);
  }

  ExportFolder exports_;
  const TempFolder& folder_ = exports_.files();
};

TEST(ExportOfAModel, VectorsAndGraphGiveThePredictionsInOtherPrograms) {
  if (!PythonRunsGraphs())
    GTEST_SKIP() << "python3 has no numpy with onnx or onnxruntime: the graph is checked by our "
                    "own evaluator elsewhere";
  for (const char* model :
       {"mmoe { n_experts: 3 expert: [8, 6] tower: 4 } hidden { normalization: BATCH }",
        "shared_bottom { bottom: 6 tower: 3 } interaction { cross_v2 { n_layers: 2 } } "
        "interaction { fm { field: [\"user_group\", \"item_genre\", \"item_tags\"] } }"})
    ExpectExportPredictsInPython(model);
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
  std::set<std::string> networks;
  for (const Job& job : JobOfEveryModel()) {
    const std::string name = ModelName(job);
    if (worker::model::ChosenNetwork(job)->has_graph || !networks.insert(name).second) continue;
    SCOPED_TRACE(name);
    const std::string config = folder_.Write(name + ".textproto", launch::job::JobToText(job));
    TrainInto(config, folder_.Path(name));
    const std::string output = folder_.Path(name + "/new/export");
    const ProcessResult refused = Run(folder_.Path(name), output);
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.err,
                HasSubstr("model.onnx: this kind of model has no form of standard operators"));
    EXPECT_THAT(refused.err, HasSubstr("--noonnx exports the vectors alone"));
    EXPECT_EQ(Run(folder_.Path(name), output, {"--noonnx", "--format=tsv"}).exit_code, 0);
    EXPECT_TRUE(fs::exists(output + "/fields/item_tags.tsv"));
    EXPECT_FALSE(fs::exists(output + "/model.onnx"));
  }
  EXPECT_FALSE(networks.empty());
}

}  // namespace
}  // namespace zhiyin::testing
