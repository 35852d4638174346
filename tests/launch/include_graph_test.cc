// Dependencies point one way: launch -> worker -> ps/client -> common, launch -> ps -> common.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/files.h"

namespace zhiyin {
namespace {

/// The layer that a file belongs to: its top folder.
std::string LayerOf(const std::string& path) {
  return path.substr(0, path.find('/'));
}

bool MayInclude(const std::string& from, const std::string& to) {
  const std::string layer = LayerOf(from);
  const std::string target = LayerOf(to);
  if (target == "configs") return true;
  if (layer == "common") return target == "common";
  if (layer == "ps") return target == "ps" || target == "common";
  if (layer == "worker") return target == "worker" || target == "common" || to == "ps/client.h";
  return true;
}

TEST(IncludeGraph, PointsOneWay) {
  int n_includes = 0;
  for (const char* layer : {"common", "ps", "worker", "launch"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(testing::SourcePath(layer))) {
      if (entry.path().extension() != ".h" && entry.path().extension() != ".cc") continue;
      const std::string from = std::filesystem::relative(entry.path(), testing::SourcePath("")).string();
      std::ifstream file(entry.path());
      for (std::string line; std::getline(file, line);) {
        if (line.starts_with("#include <mpi.h>")) {
          EXPECT_TRUE(from == "common/net/mpi_endpoint.cc" || from == "common/net/crowded_host.cc") << from << " includes mpi.h";
        }
        if (!line.starts_with("#include \"")) continue;
        const std::string to = line.substr(10, line.rfind('"') - 10);
        EXPECT_TRUE(MayInclude(from, to)) << from << " includes " << to;
        ++n_includes;
      }
    }
  }
  EXPECT_GT(n_includes, 200);
}

TEST(IncludeGraph, ItsRulesForbidWhatTheySay) {
  EXPECT_FALSE(MayInclude("common/a.h", "ps/table.h"));
  EXPECT_FALSE(MayInclude("ps/server.cc", "worker/trainer.h"));
  EXPECT_FALSE(MayInclude("worker/trainer.cc", "ps/server.h"));
  EXPECT_FALSE(MayInclude("worker/trainer.cc", "launch/run.h"));
  EXPECT_TRUE(MayInclude("worker/trainer.cc", "ps/client.h"));
}

}  // namespace
}  // namespace zhiyin
