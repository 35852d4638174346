// zhiyin doctor under mpirun, with hosts that are really not well: namespaces give ranks another
// host name and other mounts. That takes root and unshare; without, those tests are skipped.
#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "launch/rank/launcher.h"
#include "tests/support/files.h"
#include "tests/support/ranks.h"
#include "tests/support/zhiyin.h"

namespace zhiyin::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr double kLimitS = 60;
using Command = std::vector<std::string>;

std::string Census() {
  return "--config=" + SourcePath("configs/census_mmoe.textproto");
}

void Append(const Command& more, Command* command) {
  command->insert(command->end(), more.begin(), more.end());
}

/// Lines of the report that begin with "wrong: ", without that.
std::vector<std::string> Wrong(const ProcessResult& result) {
  std::vector<std::string> lines;
  std::istringstream text(result.out);
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("wrong: ")) lines.push_back(line.substr(7));
  }
  return lines;
}

bool HaveNamespaces() {
  TempFolder folder;
  return RunProcess({"unshare", "-um", "sh", "-c",
                     "hostname other && mount -t tmpfs none " + folder.Path()},
                    10)
             .exit_code == 0;
}

#define SKIP_WITHOUT_NAMESPACES()                                         \
  if (!HaveNamespaces())                                                  \
  GTEST_SKIP() << "needs root and unshare, to give a rank a host of its " \
                  "own"

/// `zhiyin doctor ARGUMENTS` on a host that is called `name`, after a shell command that may mount
/// what it likes.
Command OnHost(const std::string& name, const std::string& before, const Arguments& arguments) {
  Command command = {"unshare",
                     "-um",
                     "sh",
                     "-c",
                     "hostname " + name + " && " + before + " && exec \"$@\"",
                     "sh",
                     ZHIYIN_BINARY,
                     "doctor"};
  Append(arguments, &command);
  return command;
}

/// mpirun with these ranks: so many of each command, in order.
Command Mpirun(const std::vector<std::pair<int, Command>>& parts) {
  Command command = {SourcePath("launch/mpirun.sh")};
  for (const auto& [n, part] : parts) {
    if (command.size() > 1) command.push_back(":");
    Append({"-n", std::to_string(n)}, &command);
    Append(part, &command);
  }
  return command;
}

Command Doctor(const Arguments& arguments) {
  Command command = {ZHIYIN_BINARY, "doctor"};
  Append(arguments, &command);
  return command;
}

/// mpirun with all its scruples about slots.
Command StrictMpirun(const Arguments& arguments) {
  Command command = {"env", "OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1",
                     "mpirun"};
  Append(arguments, &command);
  return command;
}

TEST(Doctor, FindsNothingWrongHere) {
  TempFolder folder;
  const ProcessResult result = RunZhiyin(
      4, {"doctor", Census(), "--servers=2", "--output=" + folder.Path("new/out")}, kLimitS);
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  EXPECT_THAT(
      result.out,
      AllOf(StartsWith("zhiyin doctor: 4 ranks on 1 host\n"), HasSubstr("\nnothing is wrong\n"),
            HasSubstr("ranks 0-3 (2 servers, 2 workers)"), HasSubstr(": shared memory, "),
            HasSubstr("FUNNELED"), HasSubstr("data: 1 file, 3.1 MiB, looked at by 2 workers")));
  EXPECT_TRUE(std::filesystem::is_empty(folder.Path()));
}

TEST(Doctor, TellsTcpFromSharedMemory) {
  Command command = Mpirun({{2, Doctor({})}});
  command.insert(command.begin() + 1, {"--mca", "btl", "tcp,self"});
  const ProcessResult result = RunProcess(command, kLimitS);
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("btl=tcp,self"), HasSubstr(": TCP")));
}

TEST(Doctor, WithoutMpirunLooksAtThisHost) {
  TempFolder folder;
  const ProcessResult result =
      RunZhiyin(0, {"doctor", Census(), "--output=" + folder.Path()}, kLimitS);
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  EXPECT_THAT(
      result.out,
      StartsWith(
          "zhiyin doctor: this host alone; for all hosts of a job: mpirun -n RANKS zhiyin doctor"));
  const ProcessResult missing =
      RunZhiyin(0, {"doctor", Census(), "--set", "data.train.file=nowhere.gz"}, kLimitS);
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(
      Wrong(missing),
      ElementsAre(AllOf(StartsWith("rank 0 on " + launch::rank::HostName() + " is without data: "),
                        HasSubstr("nowhere.gz"))));
}

TEST(Doctor, TooFewSlots) {
  TempFolder folder;
  const std::string hosts = folder.Write("hosts", "localhost slots=2\n");
  // All that the user sees otherwise.
  EXPECT_THAT(
      RunProcess(StrictMpirun({"--hostfile", hosts, "-n", "5", ZHIYIN_BINARY, "doctor"}), kLimitS)
          .err,
      HasSubstr("There are not enough slots available"));
  const ProcessResult before =
      RunZhiyin(0, {"doctor", "--ranks=5", "--hostfile=" + hosts}, kLimitS);
  EXPECT_EQ(before.exit_code, 1);
  EXPECT_THAT(Wrong(before), ElementsAre(StartsWith("too few slots: 5 ranks need 5, " + hosts +
                                                    " has 2 (localhost 2): raise slots=N there")));
  const ProcessResult within = RunProcess(
      StrictMpirun({"--hostfile", hosts, "-n", "2", ZHIYIN_BINARY, "doctor", "--ranks=5"}),
      kLimitS);
  EXPECT_EQ(within.exit_code, 1);
  EXPECT_THAT(Wrong(within),
              ElementsAre(StartsWith("too few slots: 5 ranks need 5, mpirun was given 2")));
}

TEST(Doctor, DifferentBinaries) {
  SKIP_WITHOUT_NAMESPACES();
  TempFolder folder;
  const std::string other = folder.Path("zhiyin");
  std::filesystem::copy_file(ZHIYIN_BINARY, other);
  std::ofstream(other, std::ios::app | std::ios::binary) << 'x';
  Command theirs = OnHost("other", "true", {});
  *std::find(theirs.begin(), theirs.end(), ZHIYIN_BINARY) = other;
  const ProcessResult result = RunProcess(Mpirun({{2, Doctor({})}, {1, theirs}}), kLimitS);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(Wrong(result),
              ElementsAre(AllOf(StartsWith("different builds of zhiyin: "),
                                HasSubstr("ranks 0, 1 on " + launch::rank::HostName()),
                                HasSubstr("rank 2 on other: copy one file to all hosts"))));
}

TEST(Doctor, AnOutputFolderThatOneHostCannotSee) {
  SKIP_WITHOUT_NAMESPACES();
  TempFolder folder;
  const std::string hidden = "mount -t tmpfs none " + folder.Path();
  const std::string missing = "--output=" + folder.Path("out");
  const ProcessResult result = RunProcess(
      Mpirun({{2, Doctor({missing})}, {1, OnHost("other", hidden, {missing})}}), kLimitS);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(
      Wrong(result),
      ElementsAre(StartsWith(
          missing + ": host other cannot see it (rank 2 on other: No such file or directory): "
                    "name a folder that all hosts share")));
  const std::string twice = "--output=" + folder.Path();
  const ProcessResult local =
      RunProcess(Mpirun({{2, Doctor({twice})}, {1, OnHost("other", hidden, {twice})}}), kLimitS);
  EXPECT_EQ(local.exit_code, 1);
  EXPECT_THAT(Wrong(local),
              ElementsAre(StartsWith(
                  twice + ": host other cannot see what rank 0 writes there (rank 2 on other)")));
  EXPECT_TRUE(std::filesystem::is_empty(folder.Path()));
}

TEST(Doctor, AFullDisk) {
  SKIP_WITHOUT_NAMESPACES();
  TempFolder folder;
  const std::string output = "--output=" + folder.Path();
  Command command = {"unshare",
                     "-m",
                     "sh",
                     "-c",
                     "mount -t tmpfs -o size=1m none " + folder.Path() +
                         " && head -c 2m /dev/zero > " + folder.Path("old") + " 2>&-; exec \"$@\"",
                     "sh"};
  Append(Mpirun({{3, Doctor({output})}}), &command);
  const ProcessResult result = RunProcess(command, kLimitS);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(Wrong(result),
              ElementsAre(AllOf(StartsWith(output + ": the disk is full on host " +
                                           launch::rank::HostName() + " (0 bytes free, "),
                                HasSubstr("No space left on device): make room"))));
}

TEST(Doctor, ARankWithoutItsData) {
  SKIP_WITHOUT_NAMESPACES();
  const Command theirs = OnHost("other", "mount -t tmpfs none " + SourcePath("tests/data"), {});
  const ProcessResult result = RunProcess(Mpirun({{3, Doctor({Census()})}, {1, theirs}}), kLimitS);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(
      Wrong(result),
      ElementsAre(AllOf(
          StartsWith("rank 3 on other is without data: "),
          HasSubstr(
              "census-income.test.gz: No such file or directory: every worker's host needs"))));
}

TEST(Doctor, ARankThatDoesNotStartIsWaitedForInBounds) {
  const Command stopped = {"sh", "-c", "kill -STOP $$; exec \"$@\"", "sh", ZHIYIN_BINARY, "doctor"};
  const ProcessResult result =
      RunProcess(Mpirun({{1, Doctor({"--timeout_s=3"})}, {1, stopped}}), kLimitS);
  EXPECT_FALSE(result.timed_out);
  EXPECT_NE(result.exit_code, 0);
  EXPECT_LT(result.seconds, 30);
  EXPECT_THAT(ErrorLines(result),
              ElementsAre(StartsWith("rank 0 on " + launch::rank::HostName() +
                                     ": MPI did not start within 3 s (the limit is --timeout_s)")));
}

/// A file in the folder whose name ends so, or "" after ten seconds.
std::string AwaitFile(const std::string& folder, const std::string& end) {
  for (int i = 0; i < 1000; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().string().ends_with(end)) return entry.path();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return "";
}

TEST(Doctor, ARankThatFallsSilentIsNamed) {
  SKIP_WITHOUT_NAMESPACES();
  TempFolder folder;
  const std::string output = "--output=" + folder.Path();
  // Rank 2, which has another folder of that name, looks for rank 0's file for two seconds: time to
  // stop rank 1.
  BackgroundProcess job(Mpirun(
      {{2, Doctor({output, "--timeout_s=5"})},
       {1, OnHost("other", "mount -t tmpfs none " + folder.Path(), {output, "--timeout_s=5"})}}));
  const std::vector<int> ranks = RanksOf(job, "--timeout_s=5", 3);
  ASSERT_EQ(ranks.size(), 3u);
  ASSERT_NE(AwaitFile(folder.Path(), "-1"), "");
  int stopped = 0;
  for (const int pid : ranks) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/environ");
    const std::string environment((std::istreambuf_iterator<char>(file)),
                                  std::istreambuf_iterator<char>());
    if (environment.find(std::string("\0OMPI_COMM_WORLD_RANK=1\0", 24)) != std::string::npos)
      stopped = pid;
  }
  ASSERT_NE(stopped, 0);
  kill(stopped, SIGSTOP);
  const ProcessResult result = job.Wait(kLimitS);
  EXPECT_FALSE(result.timed_out);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(
      Wrong(result),
      ElementsAre(StartsWith("rank 1 on " + launch::rank::HostName() +
                             " did not answer for 5 s (the limit is --timeout_s) when it was to "),
                  HasSubstr("host other cannot see what rank 0 writes there")));
  EXPECT_TRUE(std::filesystem::is_empty(folder.Path()));
}

TEST(Doctor, FlagsThatMeanNothing) {
  EXPECT_THAT(ErrorLines(RunZhiyin(2, {"doctor", "--simulate=1x1"}, kLimitS)),
              ElementsAre(HasSubstr("--simulate means nothing to doctor")));
  EXPECT_THAT(ErrorLines(RunZhiyin(0, {"doctor", "--set", "train.epochs=1"}, kLimitS)),
              ElementsAre(HasSubstr("means nothing to doctor without --config")));
  EXPECT_THAT(ErrorLines(RunZhiyin(0, {"train", Census(), "--ranks=3"}, kLimitS)),
              ElementsAre(HasSubstr("--ranks means nothing to train")));
}

}  // namespace
}  // namespace zhiyin::testing
