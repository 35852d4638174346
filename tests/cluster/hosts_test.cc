// Jobs over several hosts: the same numbers as on one, and an end in time whatever happens to a
// host.
#include "tests/support/hosts.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <set>
#include <thread>

namespace zhiyin::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::vector<std::string> kNames = {"node-a", "node-b", "node-c"};
/// Ranks 0 and 1 are servers: on node-a and node-b. Ranks 2 and 5 are on node-c.
constexpr int kRanks = 6;

class Cluster : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string missing = Hosts::WhatIsMissing(); !missing.empty())
      GTEST_SKIP() << missing;
  }

  static Arguments Census(int epochs, const std::string& output) {
    return {"train",
            "--config=" + SourcePath("configs/census_mmoe.textproto"),
            "--servers=2",
            "--progress=none",
            "--set",
            "train.epochs=" + std::to_string(epochs),
            "--output=" + output};
  }

  /// Waits until the job in this folder has ended an epoch: all ranks are in the middle of their
  /// work.
};

/// The losses and metrics of every evaluation of the same job on one host.
std::string ExpectedMetrics(Arguments arguments) {
  TempFolder folder;
  arguments.push_back("--output=" + folder.Path("out"));
  const ProcessResult result = RunZhiyin(kRanks, arguments);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return ReadFile(folder.Path("out/metrics.jsonl"));
}

TEST_F(Cluster, ThreeHostsGiveTheBitsOfOneEvenWhenALinkWasDown) {
  const Hosts hosts(kNames);
  constexpr int kTimeout = 20;
  const Arguments arguments = Census(4, hosts.Path("out"));
  BackgroundProcess whole(hosts.Command(kRanks, kTimeout, arguments));
  const ProcessResult undisturbed = whole.Wait(60);
  ASSERT_EQ(undisturbed.exit_code, 0) << undisturbed.err;
  Arguments alone = arguments;
  alone.pop_back();
  const std::string expected = ExpectedMetrics(alone);
  EXPECT_EQ(ReadFile(hosts.Path("out/metrics.jsonl")), expected);

  BackgroundProcess job(hosts.Command(kRanks, kTimeout, Census(4, hosts.Path("cut"))));
  WaitForEpoch(hosts.Path("cut"));
  hosts.SetLink("node-c", false);
  std::this_thread::sleep_for(seconds(1));
  const std::string before = ReadFile(hosts.Path("cut/metrics.jsonl"));
  std::this_thread::sleep_for(seconds(3));
  EXPECT_EQ(ReadFile(hosts.Path("cut/metrics.jsonl")), before) << "the job goes on without node-c";
  hosts.SetLink("node-c", true);
  const ProcessResult result = job.Wait(90);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(ReadFile(hosts.Path("cut/metrics.jsonl")), expected);
}

/// What a job with a limit of eight seconds says when this is done to its hosts.
class Disturbed : public Cluster {
 protected:
  static constexpr int kTimeout = 8;

  ProcessResult EndAfter(const std::function<void(const Hosts&)>& disturb) {
    const Hosts hosts(kNames);
    BackgroundProcess job(hosts.Command(kRanks, kTimeout, Census(100000, hosts.Path("out"))));
    WaitForEpoch(hosts.Path("out"));
    const auto began = steady_clock::now();
    disturb(hosts);
    ProcessResult result = job.Wait(90);
    const std::chrono::duration<double> lasted = steady_clock::now() - began;
    EXPECT_FALSE(result.timed_out);
    EXPECT_NE(result.exit_code, 0);
    std::printf("the job ended after %.1f s\n%s\n", lasted.count(), result.err.c_str());
    // A host that nobody can reach ends its ranks by itself.
    for (const std::string& name : kNames) {
      for (int i = 0; i < 1000 && !hosts.RanksOn(name).empty(); ++i)
        std::this_thread::sleep_for(milliseconds(10));
      EXPECT_TRUE(hosts.RanksOn(name).empty()) << "on " << name;
    }
    return result;
  }
};

TEST_F(Disturbed, ALinkThatStaysDown) {
  const ProcessResult result = EndAfter([](const Hosts& hosts) { hosts.SetLink("node-c", false); });
  EXPECT_THAT(
      ErrorLines(result),
      ElementsAre(AllOf(
          ContainsRegex("^no heartbeat from rank [25] on node-c for [0-9.]+ s, from rank [25] "
                        "on node-c for [0-9.]+ s .the limit is --timeout_s.; rank"),
          ContainsRegex("waited [0-9.]+ s .*for .*; the last message .* came [0-9.]+ s ago"))));
}

TEST_F(Disturbed, TheLinkOfMpirunsOwnHost) {
  const ProcessResult result = EndAfter([](const Hosts& hosts) { hosts.SetLink("node-a", false); });
  EXPECT_THAT(ErrorLines(result),
              ElementsAre(AllOf(HasSubstr("no heartbeat from rank"), HasSubstr("on node-b for"),
                                HasSubstr("on node-c for"))));
}

TEST_F(Disturbed, RanksOfAHostThatAreStopped) {
  const ProcessResult result =
      EndAfter([](const Hosts& hosts) { hosts.SignalRanks("node-b", SIGSTOP); });
  EXPECT_THAT(
      ErrorLines(result),
      ElementsAre(AllOf(
          ContainsRegex("no heartbeat from rank [14] on node-b for [0-9.]+ s, from rank [14] on "
                        "node-b for"),
          ContainsRegex("rank [2356] on node-[ac]: waited .* from rank 1 on node-b; the last "
                        "message from rank 1 came [0-9.]+ s ago: "))));
}

TEST_F(Disturbed, RanksOfRankZerosHostThatAreStopped) {
  const ProcessResult result =
      EndAfter([](const Hosts& hosts) { hosts.SignalRanks("node-a", SIGSTOP); });
  EXPECT_THAT(
      ErrorLines(result),
      ElementsAre(AllOf(HasSubstr("no heartbeat from rank 0 on node-a for"),
                        HasSubstr("(rank 0 does not answer, rank 1 on node-b says this)"))));
}

TEST_F(Disturbed, RanksOfAHostThatAreKilled) {
  const ProcessResult result =
      EndAfter([](const Hosts& hosts) { hosts.SignalRanks("node-c", SIGKILL); });
  // mpirun may end before it has read what rank 0 says of it.
  EXPECT_THAT(ErrorLines(result),
              AnyOf(IsEmpty(), ElementsAre(HasSubstr("another rank died (mpirun says which)"))));
  EXPECT_THAT(result.err,
              ContainsRegex(
                  "mpirun noticed that process rank [25] with PID [0-9]+ on node node-c exited on "
                  "signal 9"));
}

TEST_F(Cluster, AnotherBuildOnOneHostIsRefused) {
  const Hosts hosts(kNames);
  hosts.Replace("node-b", ZHIYIN_BINARY, OTHER_BUILD);
  BackgroundProcess job(hosts.Command(kRanks, 20, Census(1, hosts.Path("out"))));
  const ProcessResult result = job.Wait(60);
  EXPECT_NE(result.exit_code, 0);
  EXPECT_THAT(ErrorLines(result),
              ElementsAre(ContainsRegex(
                  "^rank [14] on node-b runs zhiyin another .protocol 1, [0-9a-f]+., rank 0 on "
                  "node-a runs zhiyin [0-9.]+ .protocol 1, [0-9a-f]+.: expected the same build on "
                  "all hosts$")));
}

/// All namespaces that processes are in.
std::set<std::string> NamespacesInUse() {
  std::set<std::string> all;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    for (const char* kind : {"net", "uts", "pid", "mnt"}) {
      std::error_code gone;
      all.insert(std::filesystem::read_symlink(entry.path() / "ns" / kind, gone).string());
    }
  }
  return all;
}

/// Whether the namespaces of hosts go away soon. `of_hosts`: theirs alone.
bool AreGone(const std::set<std::string>& of_hosts) {
  for (int i = 0; i < 300; ++i) {
    const std::set<std::string> in_use = NamespacesInUse();
    bool any = false;
    for (const std::string& one : of_hosts) any |= in_use.contains(one);
    if (!any) return true;
    std::this_thread::sleep_for(milliseconds(20));
  }
  return false;
}

class CleanUp : public Cluster {
 protected:
  /// The namespaces of these hosts that this test is not in itself.
  static std::set<std::string> NamespacesOf(const std::vector<int>& processes) {
    std::set<std::string> all;
    for (const int pid : processes) {
      for (const char* kind : {"net", "uts", "pid", "mnt"}) {
        const auto of = [&](const std::string& process) {
          return std::filesystem::read_symlink("/proc/" + process + "/ns/" + kind).string();
        };
        if (of(std::to_string(pid)) != of("self")) all.insert(of(std::to_string(pid)));
      }
    }
    EXPECT_GE(all.size(), processes.size());
    return all;
  }
};

TEST_F(CleanUp, NothingIsLeftOfHosts) {
  std::set<std::string> namespaces;
  std::string folder;
  {
    const Hosts hosts({"node-a", "node-b"});
    folder = hosts.Path("");
    namespaces = NamespacesOf({std::atoi(ReadFile(hosts.Path("hub")).c_str()),
                               hosts.FirstProcess("node-a"), hosts.FirstProcess("node-b")});
  }
  EXPECT_TRUE(AreGone(namespaces));
  EXPECT_FALSE(std::filesystem::exists(folder));
}

TEST_F(CleanUp, NothingIsLeftWhenTheirKeeperIsKilled) {
  for (const int signal : {SIGTERM, SIGKILL}) {
    const Hosts hosts({"node-a", "node-b"});
    const std::set<std::string> namespaces =
        NamespacesOf({std::atoi(ReadFile(hosts.Path("hub")).c_str()), hosts.FirstProcess("node-a"),
                      hosts.FirstProcess("node-b")});
    kill(hosts.keeper(), signal);
    EXPECT_TRUE(AreGone(namespaces)) << "after signal " << signal;
  }
}

TEST_F(CleanUp, NothingIsLeftWhenTheTestIsKilled) {
  TempFolder folder;
  const std::string of_hosts = folder.Path("hosts");
  std::filesystem::create_directory(of_hosts);
  // A test's process, which starts hosts and is then killed.
  BackgroundProcess test(
      {"sh", "-c", SourcePath("tests/cluster/hosts.sh") + " " + of_hosts + " node-a & wait"});
  for (int i = 0; i < 1000 && !std::filesystem::exists(of_hosts + "/ready"); ++i)
    std::this_thread::sleep_for(milliseconds(20));
  const std::set<std::string> namespaces =
      NamespacesOf({std::atoi(ReadFile(of_hosts + "/hub").c_str()),
                    std::atoi(ReadFile(of_hosts + "/node-a.pid").c_str())});
  kill(test.pid(), SIGKILL);
  test.Wait(10);
  EXPECT_TRUE(AreGone(namespaces));
  for (int i = 0; i < 100 && std::filesystem::exists(of_hosts); ++i)
    std::this_thread::sleep_for(milliseconds(20));
  EXPECT_FALSE(std::filesystem::exists(of_hosts));
}

}  // namespace
}  // namespace zhiyin::testing
