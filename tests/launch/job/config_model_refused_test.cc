// Models that cannot be: each row is the model of an otherwise valid job, and the one line that it
// must give.
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "common/config/kinds.h"
#include "common/error.h"
#include "launch/job/load_job.h"
#include "worker/model/network/networks.h"

namespace zhiyin::launch::job {
namespace {

constexpr std::string_view kShopJob = R"(name: "shop"
data {
  text { delimiter: "\t" column_name: ["user", "item", "price", "click", "order"] }
  train { file: "a.tsv" }
}
table { name: "ids" dim: 6 optimizer { sgd { learning_rate: 0.1 } } }
field { name: "user" }
field { name: "item" separator: "|" }
numeric { name: "price" }
task { name: "click" label { equals: "1" } binary_cross_entropy {} }
task { name: "order" label { equals: "1" } binary_cross_entropy {} }
train { epochs: 1 batch_size: 64 dense_optimizer { sgd { learning_rate: 0.1 } } }
model { )";

std::string LineOfModel(std::string model, const std::vector<std::string>& overrides = {}) {
  try {
    ParseJob(std::string(kShopJob) + model + " }\n", "job", "/data", overrides);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

std::string NamesOfNetworks() {
  return config::Listed(config::KindNames(worker::model::Networks()), "or");
}

struct ModelRow {
  std::string model;
  std::string line;
  std::vector<std::string> overrides = {};
};

void PrintTo(const ModelRow& row, std::ostream* out) {
  *out << row.model;
}

const std::vector<ModelRow> kRefused = {
    {"", "job:13: model: is missing, expected " + NamesOfNetworks()},

    {"linear {} hidden { dropout: 0.1 }",
     "job:13: model.hidden: the model has no hidden layers, expected none",
     {"table[ids].dim=2"}},
    {"single_task { hidden: 4 } hidden { dropout: 1 }",
     "job:13: model.hidden.dropout: is 1, expected 0 to 0.99"},
    {"single_task { hidden: 4 } hidden { normalization: BATCH }",
     "job:13: model.hidden.normalization: is BATCH with one row a slice (train.batch_size / "
     "train.slices), expected "
     "at least 2",
     {"train.slices=64"}},

    {"single_task {}", "job:13: model.single_task: hidden has no layer, expected at least 1"},
    {"single_task { hidden: [4, 0] }",
     "job:13: model.single_task.hidden[1]: is 0, expected 1 to 65536"},
    {"single_task { hidden: 4 own_rows: true }",
     "--set table[ids].dim=7: table[ids].dim: is 7, expected a multiple of 2: a row is a part for "
     "each task, "
     "of the same width",
     {"table[ids].dim=7"}},
    {"single_task { hidden: 4 own_rows: true } interaction { fm {} }",
     "job:13: model.interaction[0]: means nothing to single_task with own_rows, which reads the "
     "fields' "
     "rows, expected none"},

    {"ple {}", "job:13: model.ple: level has no entry, expected at least 1"},
    {"ple { level { task_experts: 1 expert: 4 } }",
     "job:13: model.ple.level[0].shared_experts: is 0, expected 1 to 1024"},
    {"ple { level { shared_experts: 1 expert: 4 } }",
     "job:13: model.ple.level[0].task_experts: is 0, expected 1 to 1024"},
    {"ple { level { shared_experts: 1 task_experts: 1 expert: 4 } level { shared_experts: 2 "
     "task_experts: 1 "
     "} }",
     "job:13: model.ple.level[1]: expert has no layer, expected at least 1"},
    {"ple { level { shared_experts: 1 task_experts: 1 expert: -3 } }",
     "job:13: model.ple.level[0].expert[0]: is -3, expected 1 to 65536"},
    {"ple { level { shared_experts: 1 task_experts: 512 expert: 4 } }",
     "job:13: model.ple.level[0].task_experts: is 512 for each of 2 tasks, which makes 1025 "
     "experts with the "
     "shared ones, expected "
     "at most 1024"},
    {"ple { level { shared_experts: 1 task_experts: 1 expert: 4 } tower: 0 }",
     "job:13: model.ple.tower[0]: is 0, expected 1 to 65536"},

    {R"(esmm { step { task: "click" } step { task: "order" } })",
     "job:13: model.esmm: hidden has no layer, expected at least 1"},
    {"esmm { hidden: 4 }",
     "job:13: model.esmm: step has 0 entries, expected at least 2: a chain of events, as a click "
     "and a "
     "purchase"},
    {R"(esmm { hidden: 4 step { task: "click" } })",
     "job:13: model.esmm: step has 1 entry, expected at least 2: a chain of events, as a click and "
     "a "
     "purchase"},
    {R"(esmm { hidden: 4 step { task: "click" } step { task: "ordr" } })",
     "job:13: model.esmm.step[1].task: no task \"ordr\"; the nearest is \"order\""},
    {R"(esmm { hidden: 4 step { task: "click" } step {} })",
     "job:13: model.esmm.step[1]: has no task"},
    {R"(esmm { hidden: 4 step { task: "click" } step { task: "click" } })",
     "job:13: model.esmm.step[1].task: \"click\" has its place in an earlier one"},
    {R"(esmm { hidden: 4 step { task: "click" conditional_task: "order" } step { task: "order" } })",
     "job:13: model.esmm.step[0].conditional_task: is given for the first step, which nothing "
     "comes before, "
     "expected none"},
    {R"(esmm { hidden: 4 step { task: "click" } step { task: "order" conditional_task: "cvr" } })",
     "job:13: model.esmm.step[1].conditional_task: no task \"cvr\"; known are click, order"},
    {R"(esmm { hidden: 4 step { task: "click" } step { task: "order" } })",
     "--set task[order].weight=0: task[order].weight: is 0, but a step of esmm is learned from it, "
     "expected "
     "more",
     {"task[order].weight=0"}},
    {R"(esmm { hidden: 4 step { task: "click" } step { task: "order" } ipw_weight: 1 })",
     "job:13: model.esmm.ipw_weight: is given, but no step has a conditional_task, whose labels it "
     "weighs"},
    {R"(esmm { hidden: 4 step { task: "click" } step { task: "order" } ipw_weight: -1 })",
     "job:13: model.esmm.ipw_weight: is -1, expected 0 or more"},
    {R"(esmm { hidden: 4 step { task: "click" } step { task: "order" } min_propensity: 0 })",
     "job:13: model.esmm.min_propensity: is 0, expected a number above 0"},
    {R"(esmm { hidden: 4 step { task: "click" } step { task: "order" } min_propensity: 1.5 })",
     "job:13: model.esmm.min_propensity: is 1.5, expected 0 to 1"},

    {"aitm {}", "job:13: model.aitm: hidden has no layer, expected at least 1"},
    {"aitm { hidden: 4 calibration_weight: -0.5 }",
     "job:13: model.aitm.calibration_weight: is -0.5, expected 0 or more"},

    {"cross_stitch { per_column: true }",
     "job:13: model.cross_stitch: hidden has no layer, expected at least 1"},

    {"stem { task_experts: 1 expert: 4 }",
     "job:13: model.stem.shared_experts: is 0, expected 1 to 1024"},
    {"stem { shared_experts: 1 task_experts: 1 }",
     "job:13: model.stem: expert has no layer, expected at least 1"},
    {"stem { shared_experts: 1 task_experts: 1 expert: 4 tower: 0 }",
     "job:13: model.stem.tower[0]: is 0, expected 1 to 65536"},
    {"stem { shared_experts: 1 task_experts: 1 expert: 4 }",
     "--set table[ids].dim=8: table[ids].dim: is 8, expected a multiple of 3: a row is a shared "
     "part and one "
     "for each task, of the same "
     "width",
     {"table[ids].dim=8"}},
    {"stem { shared_experts: 1 task_experts: 1 expert: 4 } interaction { inputs {} }",
     "job:13: model.interaction[0]: means nothing to stem, which reads the fields' rows, expected "
     "none"},
    {R"(stem { shared_experts: 1 task_experts: 1 expert: 4 } sequence { field: "item" pool {} })",
     "job:13: model.sequence[0]: means nothing to stem, expected fields that are pooled",
     {"field[item].sequence_length=3"}},
};

class AModel : public ::testing::TestWithParam<ModelRow> {};

TEST_P(AModel, IsRefusedWithOneLine) {
  EXPECT_EQ(LineOfModel(GetParam().model, GetParam().overrides), GetParam().line);
}

INSTANTIATE_TEST_SUITE_P(Refused, AModel, ::testing::ValuesIn(kRefused));

/// The same models, as they can be.
TEST(AModelAccepted, WhereEverythingFits) {
  for (const char* model :
       {"single_task { hidden: 4 }", "single_task { hidden: 4 own_rows: true }",
        "ple { level { shared_experts: 1 task_experts: 1 expert: 4 } }",
        R"(esmm { hidden: 4 step { task: "click" } step { task: "order" } })", "aitm { hidden: 4 }",
        "cross_stitch { hidden: 4 }", "stem { shared_experts: 1 task_experts: 1 expert: 4 }"})
    EXPECT_EQ(LineOfModel(model), "no error") << model;
}

std::string LineOfText(const std::string& text) {
  try {
    ParseJob(text, "job", "/data", {});
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

std::string JobWith(const std::string& tasks, const std::string& model) {
  std::string text(kShopJob);
  const size_t begin = text.find("task {");
  const size_t end = text.find("train { epochs");
  return text.substr(0, begin) + tasks + text.substr(end) + model + " }\n";
}

constexpr char kClick[] =
    "task { name: \"click\" label { equals: \"1\" } binary_cross_entropy {} }\n";
constexpr char kPrice[] = "task { name: \"price\" label { number {} } squared_error {} }\n";
constexpr char kOrder[] =
    "task { name: \"order\" label { equals: \"1\" } binary_cross_entropy {} }\n";

TEST(TasksOfAModel, OneIsNotEnough) {
  EXPECT_EQ(LineOfText(JobWith(kClick, "aitm { hidden: 4 }")),
            "job:12: model.aitm: the job has one task, expected at least 2");
  EXPECT_EQ(LineOfText(JobWith(kClick, "cross_stitch { hidden: 4 }")),
            "job:12: model.cross_stitch: the job has one task, expected at least 2");
  EXPECT_EQ(LineOfText(JobWith(
                kClick, R"(esmm { hidden: 4 step { task: "click" } step { task: "click" } })")),
            "job:12: model.esmm.step[1].task: \"click\" has its place in an earlier one");
}

TEST(TasksOfAModel, ProbabilitiesNeedTheirLoss) {
  EXPECT_EQ(LineOfText(JobWith(std::string(kClick) + kPrice, "aitm { hidden: 4 }")),
            "job:13: model.aitm.calibration_weight: task \"price\" has another loss, expected "
            "binary_cross_entropy: the calibrator "
            "compares probabilities");
  EXPECT_EQ(
      LineOfText(JobWith(std::string(kClick) + kPrice, "aitm { hidden: 4 calibration_weight: 0 }")),
      "no error");
  EXPECT_EQ(
      LineOfText(JobWith(std::string(kClick) + kPrice,
                         R"(esmm { hidden: 4 step { task: "click" } step { task: "price" } })")),
      "job:13: model.esmm.step[1].task: task \"price\" has another loss, expected "
      "binary_cross_entropy: the model gives "
      "probabilities");
}

TEST(TasksOfAModel, EachHasAPlaceInEsmm) {
  const std::string three =
      std::string(kClick) + kOrder +
      R"(task { name: "cvr" label { column: "order" equals: "1" } binary_cross_entropy {} }
)";
  EXPECT_EQ(LineOfText(JobWith(
                three, R"(esmm { hidden: 4 step { task: "click" } step { task: "order" } })")),
            "job:12: task[cvr]: \"cvr\" has no place in model.esmm, expected it as the task or the "
            "conditional_task of a step");
  const std::string model =
      R"(esmm { hidden: 4 step { task: "click" } step { task: "order" conditional_task: "cvr" } })";
  const Job job = ParseJob(JobWith(three, model), "job", "/data", {});
  EXPECT_EQ(job.task(1).weight(), 1);
  EXPECT_EQ(job.task(2).weight(), 0) << "implied";
  const std::vector<std::string> overrides = {"task[cvr].weight=0.5"};
  EXPECT_EQ(ParseJob(JobWith(three, model), "job", "/data", overrides).task(2).weight(), 0.5);
}

}  // namespace
}  // namespace zhiyin::launch::job
