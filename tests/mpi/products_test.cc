// zhiyin ... --products, and train.compute on the command line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "launch/job/load_job.h"
#include "tests/support/example_jobs.h"
#include "tests/support/files.h"
#include "tests/support/zhiyin.h"
#include "worker/model/nn/product.h"

namespace zhiyin::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class ProductsFlag : public ::testing::Test {
 protected:
  ProductsFlag() {
    Job job = Widened(ExampleJob("shared_bottom { bottom: 4 tower: 3 }", 3), 8);
    job.mutable_data()->mutable_train()->set_n_rows(500);
    job.mutable_data()->mutable_test()->set_n_rows(200);
    config_ = "--config=" + folder_.Write("job.textproto", launch::job::JobToText(job));
  }

  TempFolder folder_;
  std::string config_;
};

TEST_F(ProductsFlag, RefusesWhatIsNoLibrary) {
  const ProcessResult result =
      RunZhiyin(0, {"train", config_, "--simulate=1x1", "--products=nonsense"});
  EXPECT_NE(result.exit_code, 0);
  EXPECT_THAT(ErrorLines(result),
              ElementsAre("--products=nonsense: expected auto, onednn or eigen"));
  EXPECT_THAT(OtherLines(result), IsEmpty());
  EXPECT_THAT(ErrorLines(RunZhiyin(0, {"check", config_, "--products=eigen"})),
              ElementsAre("--products means nothing to check, see zhiyin --help"));
}

TEST_F(ProductsFlag, ChoosesTheLibraryThatTheSummaryNames) {
  const auto library = [&](const std::string& products) -> std::string {
    const nlohmann::json summary = Train(0, {config_, "--simulate=1x1", "--products=" + products});
    EXPECT_EQ(summary["compute"]["precision"], "FP32");
    EXPECT_EQ(summary["compute"]["products"].size(), 1u);
    return summary["compute"]["products"][0];
  };
  EXPECT_THAT(library("eigen"), StartsWith("Eigen "));
  if (worker::model::nn::HasBackend(worker::model::nn::Backend::kOneDnn)) {
    EXPECT_THAT(library("onednn"), StartsWith("oneDNN "));
    EXPECT_THAT(library("auto"), StartsWith("oneDNN "));
  } else {
    EXPECT_THAT(library("auto"), StartsWith("Eigen "));
    EXPECT_THAT(
        ErrorLines(RunZhiyin(0, {"train", config_, "--simulate=1x1", "--products=onednn"})),
        ElementsAre("--products=onednn: this program was built without oneDNN, or this processor "
                    "has no AVX-512, expected auto or eigen"));
  }
}

TEST_F(ProductsFlag, AModelOfBfloat16EvaluatesToTheDigitsOfItsTraining) {
  const ProcessResult trained =
      RunZhiyin(0, {"train", config_, "--simulate=2x2", "--set", "train.compute=BF16",
                    "--progress=none", "--output=" + folder_.Path("out")});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  const auto summary = nlohmann::json::parse(ReadFile(folder_.Path("out/summary.json")));
  EXPECT_EQ(summary["compute"]["precision"], "BF16");
  ASSERT_THAT(trained.out, HasSubstr("test split"));
  const std::string table = trained.out.substr(trained.out.find("test split"));
  const ProcessResult again = RunZhiyin(0, {"evaluate", "--checkpoint=" + folder_.Path("out"),
                                            "--simulate=1x1", "--output=" + folder_.Path("again")});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  ASSERT_THAT(again.out, HasSubstr("test split"));
  const size_t begin = again.out.find("test split");
  EXPECT_TRUE(
      table.starts_with(again.out.substr(begin, again.out.find("simulated:", begin) - begin)))
      << again.out << "\nexpected\n"
      << table;
  EXPECT_EQ(nlohmann::json::parse(ReadFile(folder_.Path("again/summary.json")))["tasks"],
            summary["tasks"]);
}

}  // namespace
}  // namespace zhiyin::testing
