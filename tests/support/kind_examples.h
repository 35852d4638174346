// The examples of kinds in tests/data/kinds.
#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <vector>

namespace zhiyin::testing {

/// The names of the alternatives of a oneof of the message, in the order of job.proto.
std::vector<std::string> KindsOf(const google::protobuf::Descriptor* message,
                                 const std::string& oneof = "kind");

/// The lines of tests/data/kinds/ROOM/KIND.txt, each an example. Fails the test for a kind without
/// examples.
std::vector<std::string> ExamplesOf(const std::string& room, const std::string& kind);

}  // namespace zhiyin::testing
