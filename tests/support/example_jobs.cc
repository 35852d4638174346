#include "tests/support/example_jobs.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <regex>

#include "launch/job/load_job.h"

namespace zhiyin::testing {
namespace {

struct Example {
  std::string text;
  int dim;
  bool binary = false;
};

/// Towers of all fields, and of the numerics where they have hidden layers.
std::string TwoTowerText(const std::string& hidden, const std::string& rest) {
  const auto numeric = [&](const std::string& name) {
    return hidden.empty() ? "" : " numeric: \"" + name + "\"";
  };
  return "two_tower { user { field: \"user_group\" field: \"user_region\"" + numeric("user_age") +
         " " + hidden + " } item { field: \"item_genre\" field: \"item_tags\"" +
         numeric("item_quality") + " " + hidden + " } " + rest + " }";
}

const std::multimap<std::string, Example>& ModelExamples() {
  static const std::multimap<std::string, Example> examples = {
      {"shared_bottom", {"shared_bottom { bottom: 7 bottom: 5 tower: 3 }", 3}},
      {"shared_bottom",
       {"shared_bottom { bottom: 7 tower: 3 } hidden { normalization: BATCH }", 3}},
      {"mmoe", {"mmoe { n_experts: 3 expert: 6 expert: 4 tower: 3 }", 3}},
      {"mmoe",
       {"mmoe { n_experts: 3 expert: 6 expert: 4 tower: 3 } hidden { normalization: LAYER dropout: "
        "0.2 }",
        3}},
      {"mmoe",
       {"mmoe { n_experts: 2 expert: 6 tower: 3 } hidden { normalization: BATCH dropout: 0.5 }",
        3}},
      {"linear", {"linear {}", 2}},
      {"single_task", {"single_task { hidden: 5 hidden: 4 }", 3}},
      {"single_task", {"single_task { hidden: 5 hidden: 4 own_rows: true }", 4}},
      {"ple",
       {"ple { level { shared_experts: 2 task_experts: 1 expert: 5 expert: 4 } tower: 3 }", 3}},
      {"ple",
       {"ple { level { shared_experts: 1 task_experts: 2 expert: 5 } level { shared_experts: 2 "
        "task_experts: 1 "
        "expert: 4 expert: 3 } level { shared_experts: 1 task_experts: 1 expert: 4 } }",
        3}},
      {"esmm",
       {R"(esmm { hidden: 5 hidden: 4 step { task: "first_group" } step { task: "rating" } })", 3,
        true}},
      {"aitm", {"aitm { hidden: 5 hidden: 4 calibration_weight: 0.6 }", 3, true}},
      {"cross_stitch", {"cross_stitch { hidden: 5 hidden: 4 }", 3}},
      {"cross_stitch",
       {"cross_stitch { hidden: 5 hidden: 4 } hidden { normalization: BATCH dropout: 0.3 }", 3}},
      {"cross_stitch", {"cross_stitch { hidden: 5 hidden: 4 per_column: true }", 3}},
      {"stem", {"stem { shared_experts: 2 task_experts: 1 expert: 5 expert: 4 tower: 3 }", 6}},
      {"matrix_factorization",
       {R"(matrix_factorization { user_field: "user_group" item_field: "item_genre" })", 6}},
      {"two_tower", {TwoTowerText("", "dim: 3"), 3}},
      {"two_tower", {TwoTowerText("hidden: 5", "dim: 4 normalize: true temperature: 0.5"), 3}},
      {"two_tower",
       {TwoTowerText("hidden: 5", "dim: 4") + " hidden { normalization: LAYER dropout: 0.3 }", 3}},
  };
  return examples;
}

/// By kind: what stands in model beside the network.
const std::multimap<std::string, std::string>& InteractionExamples() {
  static const std::multimap<std::string, std::string> examples = {
      {"inputs", "inputs {}"},
      {"fm", "fm {}"},
      {"fm", R"(fm { field: "user_region" field: "item_genre" field: "item_tags" })"},
      {"cross_v1", "cross_v1 { n_layers: 1 }"},
      {"cross_v1", "cross_v1 { n_layers: 3 }"},
      {"cross_v2", "cross_v2 { n_layers: 1 }"},
      {"cross_v2", "cross_v2 { n_layers: 3 }"},
      {"cross_mix", "cross_mix { n_layers: 1 n_experts: 1 rank: 2 }"},
      {"cross_mix", "cross_mix { n_layers: 2 n_experts: 3 rank: 2 }"},
      {"senet", "senet { reduction: 1 }"},
      {"senet",
       R"(senet { field: "user_region" field: "item_genre" field: "item_tags" reduction: 3 })"},
      {"auto_int", "auto_int { n_layers: 1 n_heads: 1 width: 1 }"},
      {"auto_int",
       R"(auto_int { field: "user_group" field: "item_tags" n_layers: 2 n_heads: 2 width: 2 })"},
  };
  return examples;
}

const std::multimap<std::string, std::string>& SequenceExamples() {
  static const std::multimap<std::string, std::string> examples = {
      {"pool", "pool { pooling: SUM }"},
      {"pool", "pool { pooling: MEAN }"},
      {"pool", "pool { pooling: MAX }"},
      {"din", R"(din { query: "item_genre" hidden: 5 })"},
      {"din", R"(din { query: "user_group" hidden: 5 hidden: 4 softmax: true })"},
      {"attention_pool", "attention_pool { width: 4 }"},
      {"bst", R"(bst { query: "item_genre" n_blocks: 1 n_heads: 1 hidden: 5 })"},
      {"bst", R"(bst { query: "user_group" n_blocks: 2 n_heads: 2 hidden: 2 output: MEAN })"},
  };
  return examples;
}

const std::multimap<std::string, std::string>& BalanceExamples() {
  static const std::multimap<std::string, std::string> examples = {
      {"uncertainty", "uncertainty {}"},
      {"dynamic_weight_average", "dynamic_weight_average { temperature: 0.1 }"},
      {"grad_norm", "grad_norm { alpha: 0 }"},
      {"grad_norm", "grad_norm {}"},
      {"pc_grad", "pc_grad {}"},
      {"ca_grad", "ca_grad { c: 0.7 }"},
      {"mgda", "mgda {}"},
  };
  return examples;
}

template <typename Message>
std::vector<Job> JobOfEveryExample(const std::multimap<std::string, std::string>& examples,
                                   const std::function<std::string(const std::string&)>& model_text,
                                   int sequence_length) {
  const google::protobuf::OneofDescriptor* kinds = Message::descriptor()->FindOneofByName("kind");
  for (int i = 0; i < kinds->field_count(); ++i) {
    EXPECT_GT(examples.count(kinds->field(i)->name()), 0u)
        << "no example of " << kinds->field(i)->name() << " in example_jobs.cc";
  }
  std::vector<Job> jobs;
  for (const auto& [kind, text] : examples)
    jobs.push_back(
        ExampleJob("shared_bottom { bottom: 5 tower: 3 } " + model_text(text), 6, sequence_length));
  return jobs;
}

}  // namespace

Job ExampleJob(const std::string& model_text, int dim, int sequence_length, bool binary,
               const std::string& train_text) {
  // Some models refuse inputs that they do not read.
  const bool two_fields = model_text.starts_with("matrix_factorization");
  const bool numerics = !two_fields && !(model_text.starts_with("two_tower") &&
                                         model_text.find("numeric") == std::string::npos);
  const std::string rating =
      binary ? R"(label { column: "item_genre" equals: "genre1" } binary_cross_entropy {})"
             : R"(label { column: "rating" number {} } squared_error {})";
  return launch::job::ParseJob(
      R"(
      name: "example"
      data { generated_ratings { n_rows: 3000 seed: 3 } train { n_rows: 2000 } test { first_row: 2000 } }
      table { name: "users" dim: )" +
          std::to_string(dim) + R"( optimizer { adagrad { learning_rate: 0.05 } } }
      table { name: "items" dim: )" +
          std::to_string(dim) + R"( optimizer { adam { learning_rate: 0.01 } } }
      field { name: "user_group" table: "users" }
      )" + (two_fields ? "" : R"(field { name: "user_region" table: "users" })") +
          R"(
      field { name: "item_genre" table: "items" }
      )" +
          (two_fields
               ? ""
               : R"(field { name: "item_tags" table: "items" separator: "|" pooling: MEAN sequence_length: )" +
                     std::to_string(sequence_length) + " }") +
          R"(
      )" + (numerics ? R"(numeric { name: "user_age" } numeric { name: "item_quality" })" : "") +
          R"(
      task { name: "rating" )" +
          rating + R"( }
      task { name: "first_group" label { column: "user_group" equals: "group0" } binary_cross_entropy {} weight: 0.5 }
      model { )" +
          model_text +
          R"( }
      train { epochs: 2 batch_size: 48 slices: 4 seed: 5 dense_optimizer { adam { learning_rate: 0.01 } } )" +
          train_text + "}",
      "example", ".", {});
}

std::vector<Job> JobOfEveryModel() {
  std::vector<Job> jobs;
  const google::protobuf::OneofDescriptor* kinds = Model::descriptor()->FindOneofByName("kind");
  for (int i = 0; i < kinds->field_count(); ++i) {
    const auto [begin, end] = ModelExamples().equal_range(kinds->field(i)->name());
    EXPECT_NE(begin, end) << "no example of " << kinds->field(i)->name() << " in example_jobs.cc";
    for (auto example = begin; example != end; ++example) {
      const auto add = [&](const std::string& more) {
        jobs.push_back(ExampleJob(example->second.text + more, example->second.dim, 0,
                                  example->second.binary));
      };
      add("");
      // Towers and experts have hidden layers, and so has what is called hidden.
      const bool has_hidden =
          std::regex_search(example->second.text, std::regex("(tower|expert|hidden): "));
      if (has_hidden && example->second.text.find(" hidden {") == std::string::npos)
        add(" hidden { dropout: 0.3 }");
    }
  }
  return jobs;
}

std::vector<Job> JobOfEveryInteraction() {
  return JobOfEveryExample<Interaction>(
      InteractionExamples(), [](const std::string& text) { return "interaction { " + text + " }"; },
      0);
}

std::vector<Job> JobOfEverySequenceReader() {
  return JobOfEveryExample<SequenceReader>(
      SequenceExamples(),
      [](const std::string& text) {
        return "sequence { field: \"item_tags\" " + text +
               " } interaction { inputs {} } interaction { fm {} } wide { fm {} }";
      },
      3);
}

std::vector<Job> JobOfEveryBalance() {
  std::vector<Job> jobs;
  const google::protobuf::OneofDescriptor* kinds = Balance::descriptor()->FindOneofByName("kind");
  for (int i = 0; i < kinds->field_count(); ++i) {
    const auto [begin, end] = BalanceExamples().equal_range(kinds->field(i)->name());
    EXPECT_NE(begin, end) << "no example of " << kinds->field(i)->name() << " in example_jobs.cc";
    for (auto example = begin; example != end; ++example)
      jobs.push_back(ExampleJob("mmoe { n_experts: 2 expert: 5 tower: 3 }", 3, 0, false,
                                "balance { " + example->second + " }"));
  }
  return jobs;
}

std::string ModelName(const Job& job) {
  const google::protobuf::OneofDescriptor* kinds = Model::descriptor()->FindOneofByName("kind");
  return job.model().GetReflection()->GetOneofFieldDescriptor(job.model(), kinds)->name();
}

}  // namespace zhiyin::testing
