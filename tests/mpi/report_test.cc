// `zhiyin report`: one HTML file that says how good a model is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <string>

#include "common/file.h"
#include "common/random.h"
#include "tests/support/files.h"
#include "tests/support/zhiyin.h"

namespace zhiyin::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Click depends on the colour alone; the name of the size wants to break out of the page.
std::string Rows() {
  std::string text = "user,item,colour,size,noise,time,click\n";
  for (int i = 0; i < 6000; ++i) {
    Random random(5, static_cast<uint64_t>(i));
    const bool red = random.Below(2) == 0;
    const bool click = random.Below(10) < (red ? 8u : 2u);
    text += "u" + std::to_string(random.Below(50)) + ",i" + std::to_string(random.Below(40)) +
            (red ? ",red," : ",blue,") + (i % 3 == 0 ? "<b>&" : "small") + "," +
            std::to_string(random.Below(1000)) + "," + std::to_string(i) +
            (click ? ",1\n" : ",0\n");
  }
  return text;
}

TEST(Report, ShowsTasksCurvesSlicesAndWhatTheModelUses) {
  const TempFolder folder;
  const std::string file = folder.Write("rows.csv", Rows());
  const std::string config = folder.Write("job.textproto", R"(name: "colours"
      data { text { header: true } train { file: ")" + file + R"(" } test { file: ")" +
                                                               file + R"(" }
        behaviour { user: "user" item: "item" time: "time" event: "click" from_time: 5000 } }
      table { name: "t" dim: 4 optimizer { adagrad { learning_rate: 0.05 } } }
      field { name: "user" } field { name: "item" } field { name: "colour" } field { name: "size" }
      numeric { name: "noise" }
      task { name: "click" label { equals: "1" } binary_cross_entropy {} }
      task { name: "number" label { column: "click" number {} } squared_error {} }
      model { shared_bottom { bottom: 8 } gates { l1: 0.05 } }
      train { epochs: 20 batch_size: 256 seed: 1 dense_optimizer { adam { learning_rate: 0.003 } } })");
  const ProcessResult trained = RunZhiyin(
      2, {"train", "--config=" + config, "--output=" + folder.Path("model"), "--progress=none"});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  const std::string page_file = folder.Path("report.html");
  const ProcessResult made =
      RunZhiyin(0, {"report", "--checkpoint=" + folder.Path("model"), "--output=" + page_file});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const std::string page = ReadWholeFile(page_file, 1 << 24);
  for (const char* what :
       {"colours: what the model does on the test split", "1000 rows", "GAUC by user",
        "its item&#39;s mean label", ">ROC<", ">Calibration<", ">Learning<", ">Lists<", "Recall@10",
        "What the model uses", ">Slices<", "&lt;b&gt;&amp;", "most popular"})
    EXPECT_THAT(page, HasSubstr(what));
  // Needs nothing but itself.
  for (const char* what :
       {"http:", "https:", "src=", "href=", "<script", "@import", "url(", "<b>&", "nan"})
    EXPECT_THAT(page, Not(HasSubstr(what)));
  // What it says of the inputs is true: the colour decides, nothing else does.
  const auto lost = [&](const std::string& input) {
    const std::string line = "click, without what " + input + " says: AUC lost ";
    const size_t at = made.out.find(line);
    EXPECT_NE(at, std::string::npos) << made.out;
    return std::strtod(made.out.c_str() + at + line.size(), nullptr);
  };
  EXPECT_GT(lost("colour"), 0.2);
  for (const char* other : {"size", "noise", "user"})
    EXPECT_LT(std::abs(lost(other)), 0.03) << other;
  const auto gate = [&](const std::string& input) {
    const size_t at = made.out.find("gate of " + input + ": ");
    EXPECT_NE(at, std::string::npos) << made.out;
    return std::abs(std::strtod(made.out.c_str() + at + 10 + input.size(), nullptr));
  };
  for (const char* other : {"size", "noise", "user", "item"})
    EXPECT_LT(gate(other), 0.8 * gate("colour")) << other;
  EXPECT_THAT(page, HasSubstr(">Gates<"));
  EXPECT_THAT(made.out, HasSubstr("click, by the mean label: AUC 0.5000"));

  const auto error = [&](const Arguments& more) {
    Arguments all = {"report", "--checkpoint=" + folder.Path("model")};
    all.insert(all.end(), more.begin(), more.end());
    const ProcessResult result = RunZhiyin(0, all);
    EXPECT_EQ(result.exit_code, 1);
    return result.err;
  };
  EXPECT_THAT(error({"--output=" + page_file}), HasSubstr("--overwrite"));
  EXPECT_THAT(error({}), HasSubstr("--output is missing"));
  EXPECT_THAT(error({"--output=" + page_file, "--overwrite", "--slices=color"}),
              HasSubstr("no field \"color\"; the nearest is \"colour\""));
}

}  // namespace
}  // namespace zhiyin::testing
