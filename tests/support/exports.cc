#include "tests/support/exports.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "common/file.h"
#include "tests/support/process.h"

namespace zhiyin::testing {
namespace {

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

/// Writes generated ratings into a file of the folder and returns its path.
std::string WriteRatings(const ExportFolder& exports) {
  const std::string config = exports.files().Write("generate.textproto", R"(
        data { generated_ratings { n_rows: 8000 seed: 3 } train {} }
        table { name: "t" dim: 2 optimizer { sgd { learning_rate: 1 } } } field { name: "user_group" }
        task { name: "stars" label { column: "rating" number {} } squared_error {} }
        model { shared_bottom { bottom: 2 } } train { epochs: 1 batch_size: 4 dense_optimizer { sgd { learning_rate: 1 } } })");
  const std::string file = exports.files().Path("ratings.tsv");
  const ProcessResult result = RunZhiyin(0, {"generate", "--config=" + config, "--output=" + file});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return file;
}

}  // namespace

void ExportFolder::TrainInto(const std::string& config, const std::string& output) const {
  const ProcessResult result = RunZhiyin(
      2, {"train", "--config=" + config, "--output=" + output, "--progress=none", "--overwrite"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
}

ProcessResult ExportFolder::Export(const std::string& model, const std::string& output,
                                   Arguments more) const {
  more.insert(more.begin(), {"export", "--checkpoint=" + model, "--output=" + output});
  return RunZhiyin(0, more);
}

bool PythonRunsGraphs() {
  return RunProcess({"python3", "-c", "import numpy, onnx"}, 60).exit_code == 0 ||
         RunProcess({"python3", "-c", "import numpy, onnxruntime"}, 60).exit_code == 0;
}

void ExpectExportPredictsInPython(const std::string& model) {
  const ExportFolder exports;
  const TempFolder& folder = exports.files();
  const std::string rows = WriteRatings(exports);
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
  const std::string test_file = folder.Write("test.tsv", test);
  const std::string config = folder.Write("job.textproto", RatingsConfig(rows, model));
  exports.TrainInto(config, folder.Path("model"));
  const ProcessResult exported =
      exports.Export(folder.Path("model"), folder.Path("new/export"), {"--overwrite"});
  ASSERT_EQ(exported.exit_code, 0) << exported.err;
  const ProcessResult predicted =
      RunZhiyin(2, {"predict", "--checkpoint=" + folder.Path("model"),
                    "--output=" + folder.Path("predicted.tsv"), "--overwrite", "--set",
                    "data.test.file=" + test_file, "--set", "data.test.n_rows=0"});
  ASSERT_EQ(predicted.exit_code, 0) << predicted.err;
  const ProcessResult checked =
      RunProcess({"python3", SourcePath("tests/support/check_export.py"), folder.Path("new/export"),
                  test_file, folder.Path("predicted.tsv")},
                 100);
  EXPECT_EQ(checked.exit_code, 0) << checked.err;
  std::printf("%s", checked.out.c_str());
}

}  // namespace zhiyin::testing
