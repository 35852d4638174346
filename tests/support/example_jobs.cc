#include "tests/support/example_jobs.h"

#include <gtest/gtest.h>

#include <map>

#include "common/config.h"

namespace zhiyin::testing {
namespace {

struct Example {
  std::string text;
  int dim;
};

const std::map<std::string, Example>& Examples() {
  static const std::map<std::string, Example> examples = {
      {"shared_bottom", {"shared_bottom { bottom: 7 bottom: 5 tower: 3 }", 3}},
      {"mmoe", {"mmoe { n_experts: 3 expert: 6 expert: 4 tower: 3 }", 3}},
      {"linear", {"linear {}", 2}},
  };
  return examples;
}

}  // namespace

Job ExampleJob(const std::string& model_text, int dim) {
  return ParseJob(R"(
      name: "example"
      data { generated_ratings { n_rows: 3000 seed: 3 } train { n_rows: 2000 } test { first_row: 2000 } }
      table { name: "users" dim: )" +
                      std::to_string(dim) + R"( optimizer { adagrad { learning_rate: 0.05 } } }
      table { name: "items" dim: )" +
                      std::to_string(dim) + R"( optimizer { adam { learning_rate: 0.01 } } }
      field { name: "user_group" table: "users" }
      field { name: "user_region" table: "users" }
      field { name: "item_genre" table: "items" }
      field { name: "item_tags" table: "items" separator: "|" pooling: MEAN }
      numeric { name: "user_age" }
      numeric { name: "item_quality" }
      task { name: "rating" label { column: "rating" number {} } squared_error {} }
      task { name: "first_group" label { column: "user_group" equals: "g0" } binary_cross_entropy {} weight: 0.5 }
      model { )" + model_text +
                      R"( }
      train { epochs: 2 batch_size: 48 slices: 4 seed: 5 dense_optimizer { adam { learning_rate: 0.01 } } })",
                  "example", ".", {});
}

std::vector<Job> JobOfEveryModel() {
  std::vector<Job> jobs;
  const google::protobuf::OneofDescriptor* kinds = Model::descriptor()->FindOneofByName("kind");
  for (int i = 0; i < kinds->field_count(); ++i) {
    const auto example = Examples().find(kinds->field(i)->name());
    EXPECT_NE(example, Examples().end())
        << "no example of " << kinds->field(i)->name() << " in example_jobs.cc";
    if (example != Examples().end()) jobs.push_back(ExampleJob(example->second.text, example->second.dim));
  }
  return jobs;
}

std::string ModelName(const Job& job) {
  const google::protobuf::OneofDescriptor* kinds = Model::descriptor()->FindOneofByName("kind");
  return job.model().GetReflection()->GetOneofFieldDescriptor(job.model(), kinds)->name();
}

}  // namespace zhiyin::testing
