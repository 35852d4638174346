// Dependencies point one way: each room may include itself, common, configs, and the rooms named
// here.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "tests/support/files.h"

namespace zhiyin {
namespace {

using Rooms = std::vector<std::string>;

/// The folders (docs/architecture.md) and what each may include.
const std::map<std::string, Rooms>& AllowedRooms() {
  static const std::map<std::string, Rooms> allowed = [] {
    std::map<std::string, Rooms> direct = {
        {"common", {}},
        {"common/config", {"common"}},
        {"common/net", {"common"}},
        {"common/net/mpi", {"common/net"}},
        {"ps", {"common/config", "common/net"}},
        {"ps/table", {"ps"}},
        {"ps/save", {"ps/table"}},
        {"ps/server", {"ps/save"}},
        {"ps/client", {"ps"}},
        {"worker/data", {"common/config"}},
        {"worker/model/nn", {"common/config"}},
        {"worker/model/loss", {"worker/model/nn"}},
        {"worker/model/metric", {"worker/model/loss"}},
        {"worker/model", {"worker/data", "worker/model/nn", "worker/model/metric"}},
        {"worker/model/balance", {"worker/model"}},
        {"worker/saved", {"worker/model", "ps/client", "ps/save"}},
        {"worker/recommend", {"worker/saved"}},
        {"worker/train", {"worker/recommend", "worker/model/balance"}},
        {"launch/job", {"worker/train", "ps/server"}},
        {"launch/rank", {"launch/job", "common/net/mpi"}},
        {"launch/apps", {"launch/rank"}},
    };
    // What a room may include, the rooms below it may be included, too.
    std::map<std::string, Rooms> all;
    for (const auto& [room, unused] : direct) {
      Rooms reached = {room};
      for (size_t i = 0; i < reached.size(); ++i) {
        for (const std::string& next : direct.at(reached[i])) {
          if (std::find(reached.begin(), reached.end(), next) == reached.end())
            reached.push_back(next);
        }
      }
      all[room] = reached;
    }
    return all;
  }();
  return allowed;
}

/// The innermost room that holds the file; "" where none does.
std::string RoomOf(const std::string& path) {
  for (std::string folder = path; !folder.empty();) {
    const size_t slash = folder.rfind('/');
    if (slash == std::string::npos) return "";
    folder.resize(slash);
    if (AllowedRooms().contains(folder)) return folder;
  }
  return "";
}

/// The command that a file of launch/apps belongs to; "" for what commands share.
std::string CommandOf(const std::string& path) {
  const std::string apps = "launch/apps/";
  if (!path.starts_with(apps)) return "";
  const size_t slash = path.find('/', apps.size());
  return slash == std::string::npos ? "" : path.substr(apps.size(), slash - apps.size());
}

bool MayInclude(const std::string& from, const std::string& to) {
  if (to.starts_with("configs/")) return true;
  const std::string command = CommandOf(from);
  const std::string other = CommandOf(to);
  if (!command.empty() && !other.empty() && command != other) return false;
  const Rooms& allowed = AllowedRooms().at(RoomOf(from));
  return std::find(allowed.begin(), allowed.end(), RoomOf(to)) != allowed.end();
}

TEST(IncludeGraph, PointsOneWay) {
  int n_includes = 0;
  for (const char* layer : {"common", "ps", "worker", "launch"}) {
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(testing::SourcePath(layer))) {
      if (entry.path().extension() != ".h" && entry.path().extension() != ".cc") continue;
      const std::string from =
          std::filesystem::relative(entry.path(), testing::SourcePath("")).string();
      ASSERT_NE(RoomOf(from), "") << from << " is in no room";
      std::ifstream file(entry.path());
      for (std::string line; std::getline(file, line);) {
        if (line.starts_with("#include <mpi.h>")) {
          EXPECT_EQ(RoomOf(from), "common/net/mpi") << from << " includes mpi.h";
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
  EXPECT_FALSE(MayInclude("common/a.h", "ps/table/table.h"));
  EXPECT_FALSE(MayInclude("common/config/path.h", "worker/model/model.h"));
  EXPECT_FALSE(MayInclude("ps/client/client.cc", "ps/server/server.h"));
  EXPECT_FALSE(MayInclude("worker/data/source.cc", "worker/model/loss/loss.h"));
  EXPECT_FALSE(MayInclude("worker/model/balance/a.cc", "worker/train/profile.h"));
  EXPECT_FALSE(MayInclude("worker/train/trainer.cc", "ps/server/server.h"));
  EXPECT_FALSE(MayInclude("worker/train/trainer.cc", "launch/rank/run_rank.h"));
  EXPECT_FALSE(MayInclude("launch/apps/report/report.cc", "launch/apps/serve/serve.h"));
  EXPECT_TRUE(MayInclude("worker/train/trainer.cc", "ps/client/client.h"));
  EXPECT_TRUE(MayInclude("launch/apps/main.cc", "launch/apps/serve/serve.h"));
}

}  // namespace
}  // namespace zhiyin
