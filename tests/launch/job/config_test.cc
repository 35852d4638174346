#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>

#include <filesystem>

#include "common/config/kinds.h"
#include "common/error.h"
#include "common/file.h"
#include "launch/job/load_job.h"
#include "tests/support/files.h"
#include "worker/model/network/networks.h"

namespace zhiyin::launch::job {
namespace {

using testing::SourcePath;

// One line a thing, so that messages can be told apart by their line.
constexpr const char* kWholeJob = R"(name: "shop"
data {
  text { delimiter: "\t" column_name: "user" column_name: "item" column_name: "price" column_name: "click" quote: "\"" }
  train { file: "a.tsv" }
}
table {
  name: "ids"
  dim: 4
  optimizer { adam { learning_rate: 0.1 } }
}
field { name: "user" }
field { name: "item" separator: "|" }
numeric { name: "price" log1p: true }
task {
  name: "click"
  label { equals: "1" }
  binary_cross_entropy {}
}
model { mmoe { n_experts: 2 expert: 8 tower: 4 } }
train {
  epochs: 1
  batch_size: 64
  slices: 4
  dense_optimizer { sgd { learning_rate: 0.1 } }
}
)";

/// kWholeJob with `from` replaced.
std::string With(const std::string& from, const std::string& to) {
  std::string text = kWholeJob;
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string ParseErrorOf(const std::string& text, const std::vector<std::string>& overrides = {}) {
  try {
    ParseJob(text, "job", "/data", overrides);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(Config, FillsInTheDocumentedDefaults) {
  const Job job = ParseJob(kWholeJob, "job", "/data", {});
  EXPECT_EQ(job.data().train().file(0), "/data/a.tsv");
  EXPECT_EQ(job.data().max_bad_share(), 0.001);
  EXPECT_TRUE(job.data().text().trim());
  EXPECT_EQ(job.field(0).column(), "user");
  EXPECT_EQ(job.field(0).table(), "ids");
  EXPECT_EQ(job.field(0).vocabulary(), "user");
  EXPECT_TRUE(job.numeric(0).standardise());
  EXPECT_EQ(job.task(0).label().column(), "click");
  EXPECT_EQ(job.task(0).weight(), 1);
  EXPECT_EQ(job.table(0).optimizer().adam().beta2(), 0.999);
  EXPECT_EQ(job.table(0).init().normal().stddev(), 0.01);
  EXPECT_TRUE(job.train().prefetch());
  EXPECT_FALSE(ParseJob(kWholeJob, "job", "/data", std::vector<std::string>{"train.staleness=4"})
                   .train()
                   .prefetch());
  EXPECT_EQ(job.evaluation().every_epochs(), 1);
  EXPECT_FALSE(ParseJob(kWholeJob, "job", "/data", std::vector<std::string>{"train.staleness=-1"})
                   .train()
                   .prefetch());
}

TEST(Config, ItsTextReadsBackToTheSameJob) {
  const Job job = ParseJob(kWholeJob, "job", "/data", {});
  const Job again = ParseJob(JobToText(job), "again", "/elsewhere", {});
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(job, again));
}

TEST(Config, EveryShippedExampleLoads) {
  int n = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SourcePath("configs"))) {
    if (entry.path().extension() != ".textproto") continue;
    EXPECT_NO_THROW(LoadJob(entry.path().string(), {})) << entry.path();
    ++n;
  }
  EXPECT_GE(n, 3);
}

struct Refusal {
  std::string text;
  std::string message;
};

class Refused : public ::testing::TestWithParam<Refusal> {};

TEST(Config, AnEqualsWithSpacesAroundItIsRefusedWhereNoValueHasThem) {
  const std::string job = With("equals: \"1\"", "equals: \" a\"");
  EXPECT_THAT(ParseErrorOf(job), ::testing::HasSubstr("begins or ends with a space"))
      << "values in quotes are trimmed, too";
  EXPECT_EQ(ParseErrorOf(job, {"data.text.trim=false"}), "no error");
}

TEST(Config, AFormatOfTrainingThatThereIsNotIsRefused) {
  EXPECT_THAT(ParseErrorOf(kWholeJob, {"data.columns.n=4", "data.columns.format=libsmv"}),
              ::testing::HasSubstr("data.columns.format: no format \"libsmv\"; the nearest is "
                                   "\"libsvm\""));
}

TEST(Config, BytesThatAdmissionTakesUpAreRefused) {
  const std::string error =
      ParseErrorOf(With("optimizer { adam",
                        "admission { exact { sightings: 2 max_candidates: 16384 } } "
                        "eviction { max_bytes: 262144 } optimizer { adam"));
  EXPECT_THAT(error, ::testing::StartsWith("job:9: table[ids].eviction.max_bytes: is 262144, "
                                           "expected at least "));
  EXPECT_THAT(error, ::testing::EndsWith(": 262144 for table.admission, and one row for each of "
                                         "4096 virtual shards"));
}

TEST_P(Refused, WithLinePathAndWhatIsExpected) {
  EXPECT_EQ(ParseErrorOf(GetParam().text), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Texts, Refused,
    ::testing::Values(
        Refusal{With("batch_size", "batchsize"),
                "job:22: train: no field \"batchsize\"; the nearest is \"batch_size\""},
        Refusal{With("tower: 4", "towers: 4"),
                "job:19: model.mmoe: no field \"towers\"; the nearest is \"tower\""},
        Refusal{With("field { name: \"item\"", "field { nome: \"item\""),
                "job:12: field[1]: no field \"nome\"; the nearest is \"name\""},
        Refusal{With("log1p: true", "xyzzy: true"),
                "job:13: numeric[price]: no field \"xyzzy\"; known are name, column, log1p, "
                "standardise, mean, stddev"},
        Refusal{With("name: \"shop\"", "nam: \"shop\""),
                "job:1: no field \"nam\"; the nearest is \"name\""},
        Refusal{With("epochs: 1", "epochs: one"),
                "job:21: train.epochs: found \"one\", expected an integer"},
        Refusal{With("epochs: 1", "epochs: 1 epochs: 2"),
                "job:21: train.epochs: is set twice, expected once"},
        Refusal{With("binary_cross_entropy {}", "binary_cross_entropy {} squared_error {}"),
                "job:17: task[click].squared_error: cannot be combined with binary_cross_entropy, "
                "expected "
                "one of them"},
        Refusal{With("dim: 4", "dim: 0"), "job:8: table[ids].dim: is 0, expected 1 to 4096"},
        Refusal{With("dim: 4", "dim: 5000"), "job:8: table[ids].dim: is 5000, expected 1 to 4096"},
        Refusal{With("learning_rate: 0.1 } }\n}\nfield", "learning_rate: -1 } }\n}\nfield"),
                "job:9: table[ids].optimizer.adam.learning_rate: is -1, expected a number above 0"},
        Refusal{With("adam { learning_rate: 0.1 }", "adam { learning_rate: 0.1 beta1: 1 }"),
                "job:9: table[ids].optimizer.adam.beta1: is 1, expected 0 to less than 1"},
        Refusal{With("adam { learning_rate: 0.1 }", "ftrl { learning_rate: 0.1 beta: 0 }"),
                "job:9: table[ids].optimizer.ftrl: beta and l2 are both 0: the first step has no "
                "bound"},
        Refusal{With("adam { learning_rate: 0.1 }",
                     "adam { learning_rate: 0.1 } schedule { cosine { steps: 0 } }"),
                "job:9: table[ids].optimizer.schedule.cosine.steps: is 0, expected 1 to "
                "1125899906842624"},
        Refusal{With("optimizer { adam", "storage: FP8 optimizer { adam"),
                "job:9: table[ids].storage: no value \"FP8\"; known are FP32, FP16, BF16"},
        Refusal{With("optimizer { adam", "admission { exact { sightings: 0 } } optimizer { adam"),
                "job:9: table[ids].admission.exact.sightings: is 0, expected 1 to 2147483648"},
        Refusal{With("optimizer { adam",
                     "admission { counting_bloom { sightings: 256 } } optimizer { adam"),
                "job:9: table[ids].admission.counting_bloom.sightings: is 256, expected 1 to 255"},
        Refusal{With("optimizer { adam",
                     "admission { counting_bloom { sightings: 3 bytes: 12287 } } optimizer { adam"),
                "job:9: table[ids].admission.counting_bloom.bytes: is 12287, expected at least "
                "4096 * sightings, 12288: the counters are halved before any key has so many "
                "occurrences"},
        Refusal{With("optimizer { adam", "admission { probability: 1.5 } optimizer { adam"),
                "job:9: table[ids].admission.probability: is 1.5, expected 0 to 1"},
        Refusal{With("optimizer { adam", "eviction { ttl_steps: -1 } optimizer { adam"),
                "job:9: table[ids].eviction.ttl_steps: is -1, expected 0 to 2147483648"},
        Refusal{With("optimizer { adam", "eviction { when_full: FAIL } optimizer { adam"),
                "job:9: table[ids].eviction.when_full: means nothing without max_bytes"},
        Refusal{With("optimizer { adam", "hot_keys { rows: 10 } optimizer { adam"),
                "job:9: table[ids].hot_keys.rows: copies of rows are stale: expected 0, or another "
                "train.staleness than 0"},
        Refusal{
            With("adam { learning_rate: 0.1 }",
                 "ftrl { learning_rate: 0.1 } schedule { warmup_steps: 5 }"),
            "job:9: table[ids].optimizer.schedule: ftrl has no schedule: its rate falls by itself"},
        Refusal{
            With("adam { learning_rate: 0.1 }", "ftrl { learning_rate: 0.1 } weight_decay: 0.1"),
            "job:9: table[ids].optimizer.weight_decay: ftrl overwrites decayed weights: expected "
            "0, and "
            "ftrl.l2 instead"},
        Refusal{With("optimizer { adam", "hot_keys { refresh_steps: 1 } optimizer { adam"),
                "job:9: table[ids].hot_keys.refresh_steps: is 1, expected 2 to 1000"},
        Refusal{With("dense_optimizer { sgd", "max_gradient: -1 dense_optimizer { sgd"),
                "job:24: train.max_gradient: is -1, expected 0 or more"},
        Refusal{With("dense_optimizer { sgd", "max_gradient: 2e15 dense_optimizer { sgd"),
                "job:24: train.max_gradient: is 2e+15, expected at most 1e+15, which optimizers "
                "take"},
        Refusal{With("adam { learning_rate: 0.1 }", "adam { learning_rate: 0.1 epsilon: 1e-50 }"),
                "job:9: table[ids].optimizer.adam.epsilon: is 1e-50, expected 0 or a number from "
                "1.17549e-38 to 3.40282e+38"},
        Refusal{With("adam { learning_rate: 0.1 }", "adam { learning_rate: 0.1 } clip_norm: -1"),
                "job:9: table[ids].optimizer.clip_norm: is -1, expected 0 or more"},
        Refusal{With("name: \"ids\"", "name: \"dense\""),
                "job:7: table[dense].name: \"dense\" is the table of the model's own weights"},
        Refusal{
            With("name: \"ids\"", "name: \"../ids\""),
            "job:7: table[0].name: is \"../ids\", expected at most 128 letters, digits, _ and -"},
        Refusal{With("name: \"ids\"", "name: \"i/ds\""),
                "job:7: table[0].name: is \"i/ds\", expected at most 128 letters, digits, _ and -"},
        Refusal{With("field { name: \"item\"", "field { name: \"user\""),
                "job:12: field[user].name: \"user\" is taken by an earlier one"},
        Refusal{With("numeric { name: \"price\"", "numeric { name: \"user\""),
                "job:13: numeric[user].name: \"user\" is taken by an earlier one"},
        Refusal{With("field { name: \"user\" }", "field { name: \"user\" table: \"idz\" }"),
                "job:11: field[user].table: no table \"idz\"; the nearest is \"ids\""},
        Refusal{With("field { name: \"user\" }", "field { name: \"user\" column: \"usr\" }"),
                "job:11: field[user].column: no column \"usr\"; the nearest is \"user\""},
        Refusal{With("field { name: \"user\" }", "field { name: \"user\" column: \"#4\" }"),
                "job:11: field[user].column: \"#4\": there are 4 columns, numbered from 0"},
        Refusal{With("separator: \"|\"", "separator: \"|\" bucket: 1"),
                "job:12: field[item].separator: cannot be combined with bucket"},
        Refusal{With("separator: \"|\"", "bucket: 1 bucket: 1"),
                "job:12: field[item].bucket[1]: is 1, expected strictly ascending boundaries"},
        Refusal{
            With("label { equals: \"1\" }", "label {}"),
            "job:16: task[click].label: has no rule, expected equals, prefix, number or at_least"},
        Refusal{With("binary_cross_entropy {}", ""),
                "job:14: task[click]: has no loss, expected binary_cross_entropy, squared_error, "
                "hinge, "
                "poisson, pairwise or sampled_softmax"},
        Refusal{With("binary_cross_entropy {}", "hinge {} label_smoothing: 0.1"),
                "job:17: task[click].label_smoothing: means nothing without binary_cross_entropy, "
                "expected 0"},
        Refusal{With("binary_cross_entropy {}", "pairwise { group: \"usr\" }"),
                "job:17: task[click].pairwise.group: no field \"usr\"; the nearest is \"user\""},
        Refusal{With("binary_cross_entropy {}", "binary_cross_entropy {} positive_weight: -1"),
                "job:17: task[click].positive_weight: is -1, expected 0 or more"},
        Refusal{With("binary_cross_entropy {}",
                     "binary_cross_entropy {} sample_space { equals: \"1\" }"),
                "job:17: task[click].sample_space: has no column"},
        Refusal{With("binary_cross_entropy {}", "binary_cross_entropy {} weight: 0"),
                "job:17: task[click].weight: is 0, as for all tasks: nothing would be learned"},
        Refusal{With("mmoe { n_experts: 2 expert: 8 tower: 4 }", ""),
                "job:19: model: is missing, expected " +
                    config::Listed(config::KindNames(worker::model::Networks()), "or")},
        Refusal{With("slices: 4", "slices: 5"),
                "job:22: train.batch_size: is 64, expected a multiple of slices, 5"},
        Refusal{
            With("slices: 4", "slices: 4 early_stopping {}"),
            "job:23: train.early_stopping: looks at evaluations, and there is no data.validation "
            "and no data.test"},
        Refusal{With("dim: 4", "dim: 4 l2: -1"), "job:8: table[ids].l2: is -1, expected 0 or more"},
        Refusal{With("slices: 4", "staleness: -2"),
                "job:23: train.staleness: is -2, expected -1 to 1048576"},
        Refusal{With("train { file: \"a.tsv\" }", "train {}"), "job:4: data.train: has no file"},
        Refusal{With("delimiter: \"\\t\"", "delimiter: \",,,\""),
                "job:3: data.text.delimiter: has 3 characters, expected 1 or 2"},
        Refusal{With("quote: \"\\\"\"", "quote: \"\\t\""),
                "job:3: data.text.quote: is part of the delimiter"},
        Refusal{With("quote: \"\\\"\"", "encoding: \"klingon\""),
                "job:3: data.text.encoding: is \"klingon\", expected one that iconv knows, as "
                "latin1, gb18030 or UTF-16LE"},
        Refusal{With("quote: \"\\\"\"", "encoding: \"latin1//IGNORE\""),
                "job:3: data.text.encoding: is \"latin1//IGNORE\", expected one that iconv knows, "
                "as latin1, gb18030 or UTF-16LE"},
        Refusal{With("quote: \"\\\"\"", "quote: \"\\\"\" escapes: true"),
                "job:3: data.text.escapes: is given, and quote too: expected one of them"},
        Refusal{With("column_name: \"item\"", "column_name: \"user\""),
                "job:3: data.text.column_name[1]: \"user\" is taken by an earlier one"},
        Refusal{With("dense_optimizer { sgd { learning_rate: 0.1 } }", ""),
                "job:20: train.dense_optimizer: is missing, expected sgd, momentum, adagrad, "
                "rowwise_adagrad, adam, adamw, ftrl, "
                "rmsprop, adadelta or delay_compensated_sgd"}));

TEST(Config, AByteOrderMarkIsPassedOver) {
  EXPECT_EQ(JobToText(ParseJob("\xef\xbb\xbf" + std::string(kWholeJob), "job", "/data", {})),
            JobToText(ParseJob(kWholeJob, "job", "/data", {})));
  EXPECT_EQ(ParseErrorOf("\xef\xbb\xbf"
                         "nmae: \"x\"")
                .substr(0, 6),
            "job:1:");
}

TEST(Config, FilesThatCannotBeReadAreNamed) {
  testing::TempFolder folder;
  EXPECT_THROW(LoadJob(folder.Path("nowhere"), {}), Error);
  EXPECT_THROW(LoadJob(folder.Path(), {}), Error);
  EXPECT_EQ(ParseErrorOf(""),
            "job:1: data: has no source, expected text or one of the generated ones");
}

Job Set(const std::vector<std::string>& overrides) {
  return ParseJob(kWholeJob, "job", "/data", overrides);
}

TEST(Override, NamesFilesFromTheCurrentFolder) {
  const Job job = Set({"data.test={file: \"b.tsv\"}", "train.warm_start={model: \"earlier\"}"});
  EXPECT_EQ(job.data().train().file(0), "/data/a.tsv") << "the file's names begin in its folder";
  EXPECT_EQ(job.data().test().file(0), AbsolutePath("", "b.tsv"));
  EXPECT_EQ(job.train().warm_start().model(), AbsolutePath("", "earlier"));
  EXPECT_EQ(Set({"data.train.file=/b.tsv"}).data().train().file(0), "/b.tsv");
  EXPECT_EQ(Set({"data.index=x"}).data().index(), AbsolutePath("", "x"));
  std::string with_index(kWholeJob);
  with_index.insert(with_index.find("train {"), "index: \"x\" ");
  EXPECT_EQ(ParseJob(with_index, "job", "/data", {}).data().index(), "/data/x");
  EXPECT_EQ(Set({"data.statistics={model: \"earlier\"}"}).data().statistics().model(),
            AbsolutePath("", "earlier"));
  std::string with_model(kWholeJob);
  with_model.insert(with_model.find("train {"), "statistics { model: \"x\" } ");
  EXPECT_EQ(ParseJob(with_model, "job", "/data", {}).data().statistics().model(), "/data/x");
}

TEST(Override, ReachesEveryKindOfField) {
  EXPECT_EQ(Set({"train.staleness=-1"}).train().staleness(), -1);
  EXPECT_EQ(Set({"table[ids].dim=16"}).table(0).dim(), 16);
  EXPECT_EQ(Set({"table[0].dim=16"}).table(0).dim(), 16);
  EXPECT_EQ(Set({"task[click].weight=2.5"}).task(0).weight(), 2.5);
  EXPECT_EQ(Set({"name=other"}).name(), "other");
  EXPECT_EQ(Set({"name=\"other\""}).name(), "other");
  EXPECT_EQ(Set({"data.train.file=b,c"}).data().train().file(1), AbsolutePath("", "c"));
  EXPECT_EQ(Set({"model.mmoe.expert=3,4"}).model().mmoe().expert_size(), 2);
  EXPECT_EQ(Set({"field[item].pooling=MEAN"}).field(1).pooling(), Field::MEAN);
  EXPECT_EQ(Set({"train.dense_optimizer={adagrad {learning_rate: 0.5}}"})
                .train()
                .dense_optimizer()
                .adagrad()
                .learning_rate(),
            0.5);
  EXPECT_EQ(Set({"field[item]={name: \"item\"}"}).field(1).separator(), "");
  EXPECT_EQ(Set({"train.seed=1", "train.seed=2"}).train().seed(), 2u) << "the last one wins";
}

TEST(Override, IsRefusedInOneLine) {
  const auto error = [](const std::string& text) { return ParseErrorOf(kWholeJob, {text}); };
  EXPECT_EQ(error("train.stalenes=0"),
            "--set train.stalenes=0: no field \"stalenes\"; the nearest is \"staleness\"");
  EXPECT_EQ(error("table[idz].dim=3"),
            "--set table[idz].dim=3: no table \"idz\"; the nearest is \"ids\"");
  EXPECT_EQ(error("table[3].dim=3"), "--set table[3].dim=3: table has 1 entries, numbered from 0");
  EXPECT_EQ(error("table.dim=3"), "--set table.dim=3: table is a list: say which, as table[0]");
  EXPECT_EQ(error("train[0].epochs=3"), "--set train[0].epochs=3: train takes no index here");
  EXPECT_EQ(error("train.epochs.x=3"), "--set train.epochs.x=3: epochs has no fields of its own");
  EXPECT_EQ(error("train.epochs=many"),
            "--set train.epochs=many: train.epochs: found \"many\", expected an integer");
  EXPECT_EQ(error("train.epochs"),
            "--set train.epochs: expected PATH=VALUE, for example train.staleness=-1");
  EXPECT_EQ(
      error("model.shared_bottom.bottom=3"),
      "--set model.shared_bottom.bottom=3: the job chose mmoe, not shared_bottom; to change the "
      "choice, set what holds it to "
      "{shared_bottom {...}}");
}

TEST(Override, IsBlamedForWhatItBroke) {
  EXPECT_EQ(ParseErrorOf(kWholeJob, {"table[ids].dim=0"}),
            "--set table[ids].dim=0: table[ids].dim: is 0, expected 1 to 4096");
}

TEST(Roles, MustFitTheSlices) {
  const Job job = Set({});
  EXPECT_NO_THROW(CheckAgainstRoles(job, 4));
  EXPECT_THROW(CheckAgainstRoles(job, 5), Error);
  EXPECT_NO_THROW(CheckAgainstRoles(Set({"train.staleness=-1"}), 5));
  EXPECT_THROW(CheckAgainstRoles(Set({"train.slices=0"}), 5), Error) << "64 rows do not part in 5";
  EXPECT_NO_THROW(CheckAgainstRoles(Set({"train.slices=0"}), 8));
}

}  // namespace
}  // namespace zhiyin::launch::job
