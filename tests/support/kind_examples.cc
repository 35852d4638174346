#include "tests/support/kind_examples.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/files.h"

namespace zhiyin::testing {

std::vector<std::string> KindsOf(const google::protobuf::Descriptor* message,
                                 const std::string& oneof) {
  const google::protobuf::OneofDescriptor* kinds = message->FindOneofByName(oneof);
  std::vector<std::string> names;
  for (int i = 0; i < kinds->field_count(); ++i) names.push_back(kinds->field(i)->name());
  return names;
}

std::vector<std::string> ExamplesOf(const std::string& room, const std::string& kind) {
  std::ifstream file(SourcePath("tests/data/kinds/" + room + "/" + kind + ".txt"));
  std::vector<std::string> examples;
  for (std::string line; std::getline(file, line);) examples.push_back(line);
  EXPECT_FALSE(examples.empty()) << "no example in tests/data/kinds/" << room << "/" << kind;
  return examples;
}

}  // namespace zhiyin::testing
