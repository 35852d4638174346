#include "tests/support/optimizers.h"

#include <gtest/gtest.h>

#include "launch/job/load_job.h"

namespace zhiyin::testing {

std::vector<Optimizer> ExampleOptimizers() {
  std::vector<Optimizer> examples;
  const google::protobuf::OneofDescriptor* kinds = Optimizer::descriptor()->FindOneofByName("kind");
  for (int i = 0; i < kinds->field_count(); ++i) {
    // The defaults come from where users get them.
    // Adadelta sets its own pace.
    const char* rate = kinds->field(i)->name() == "adadelta" ? "1" : "0.05";
    const std::string text = kinds->field(i)->name() + " { learning_rate: " + rate + " }";
    const Job job = launch::job::ParseJob(R"(data { generated_ratings { n_rows: 10 } train {} }
                                table { name: "t" dim: 1 optimizer { )" +
                                              text + R"( } }
                                field { name: "user_group" }
                                task { name: "rating" label { number {} } squared_error {} }
                                model { linear {} }
                                train { epochs: 1 batch_size: 1 dense_optimizer { sgd { learning_rate: 1 } } })",
                                          "example", ".", {});
    examples.push_back(job.table(0).optimizer());
  }
  EXPECT_GE(examples.size(), 4u);
  return examples;
}

std::string NameOf(const Optimizer& optimizer) {
  const google::protobuf::OneofDescriptor* kinds = Optimizer::descriptor()->FindOneofByName("kind");
  return optimizer.GetReflection()->GetOneofFieldDescriptor(optimizer, kinds)->name();
}

}  // namespace zhiyin::testing
