#include "tests/support/optimizers.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "ps/table/optimizer.h"
#include "tests/support/kind_examples.h"

namespace zhiyin::testing {

std::vector<Optimizer> ExampleOptimizers() {
  std::vector<Optimizer> examples;
  for (const std::string& kind : KindsOf(Optimizer::descriptor())) {
    for (const std::string& text : ExamplesOf("optimizer", kind)) {
      Optimizer& example = examples.emplace_back();
      EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &example)) << text;
      ps::table::FillOptimizer(&example);
    }
  }
  return examples;
}

std::string NameOf(const Optimizer& optimizer) {
  return ps::table::ChosenOptimizer(optimizer)->name;
}

}  // namespace zhiyin::testing
