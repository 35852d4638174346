// What `zhiyin doctor` reads: hostfiles, control groups, files and folders.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <future>
#include <memory>
#include <thread>

#include "common/error.h"
#include "launch/apps/doctor/cgroup.h"
#include "launch/apps/doctor/file_facts.h"
#include "launch/apps/doctor/host_facts.h"
#include "launch/apps/doctor/slots.h"
#include "launch/apps/doctor/within_limit.h"
#include "launch/rank/cpu_check.h"
#include "tests/support/files.h"

namespace zhiyin::launch::apps {
namespace {

using ::testing::StartsWith;
using zhiyin::testing::TempFolder;

Slots HostfileSlots(const std::string& text) {
  return SlotsOfHostfile(text, "hosts",
                         [](const std::string& host) { return host == "here" ? 4 : 0; });
}

std::string HostfileError(const std::string& text) {
  try {
    HostfileSlots(text);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(Slots, OfAHostfile) {
  const Slots slots =
      HostfileSlots("# ours\n\na slots=2\nuser@b slots = 3 max_slots=4  # fast\nhere\n");
  EXPECT_EQ(slots.n, 9);
  EXPECT_EQ(slots.breakdown, "a 2, b 3, here 4");
  EXPECT_EQ(slots.unknown, "");
}

TEST(Slots, ANameThatComesAgainAddsOne) {
  EXPECT_EQ(HostfileSlots("a\na\na\n").n, 3);
  EXPECT_EQ(HostfileSlots("a slots=2\na\n").n, 3);
}

TEST(Slots, AHostWhoseCoresNobodyKnows) {
  const Slots slots = HostfileSlots("a slots=2\nb\nc\n");
  EXPECT_EQ(slots.n, 2);
  EXPECT_EQ(slots.unknown, "b, c");
  EXPECT_EQ(HostfileSlots("a slots=0\n").unknown, "");
}

TEST(Slots, HostfilesThatAreNone) {
  EXPECT_THAT(HostfileError("a\nb slots=two\n"),
              StartsWith("hosts:2: slots=two: expected a whole number"));
  EXPECT_THAT(HostfileError("b slots=-2\n"),
              StartsWith("hosts:1: slots=-2: expected a whole number"));
  EXPECT_THAT(HostfileError("b slots\n"), StartsWith("hosts:1: slots: expected a whole number"));
  EXPECT_THAT(HostfileError("b solts=2\n"),
              StartsWith("hosts:1: solts=2: expected slots=N or max_slots=N"));
  EXPECT_THAT(HostfileError("slots=2\n"),
              StartsWith("hosts:1: slots=2: expected a host's name first"));
  EXPECT_THAT(HostfileError("a slots=2\na slots=3\n"), StartsWith("hosts:2: slots= again for a"));
  EXPECT_THAT(HostfileError("# nobody\n"), StartsWith("hosts: names no host"));
}

TEST(Slots, OfSlurm) {
  EXPECT_EQ(SlotsOfSlurm("4")->n, 4);
  EXPECT_EQ(SlotsOfSlurm("4(x2),3")->n, 11);
  for (const char* text :
       {"", "x", "4(x", "4(x2", "4(y2)", ",4", "4(x99999999999)", "1048576(x1048576)"})
    EXPECT_FALSE(SlotsOfSlurm(text)) << text;
}

TEST(Cgroup, Version2TakesTheTightestOnTheWayUp) {
  TempFolder root;
  std::filesystem::create_directories(root.Path("slice/job"));
  root.Write("slice/cpu.max", "150000 100000\n");
  root.Write("slice/job/cpu.max", "max 100000\n");
  root.Write("slice/memory.max", "4294967296\n");
  root.Write("slice/memory.current", "1000\n");
  root.Write("slice/job/memory.max", "max\n");
  const CgroupLimits limits = ReadCgroupLimits("0::/slice/job\n", root.Path());
  EXPECT_EQ(limits.cores, 1.5);
  EXPECT_EQ(limits.memory_bytes, int64_t{1} << 32);
  EXPECT_EQ(limits.memory_used_bytes, 1000);
}

TEST(Cgroup, Version1) {
  TempFolder root;
  std::filesystem::create_directories(root.Path("cpu,cpuacct/job"));
  std::filesystem::create_directories(root.Path("memory"));
  root.Write("cpu,cpuacct/job/cpu.cfs_quota_us", "300000\n");
  root.Write("cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
  root.Write("memory/memory.limit_in_bytes", "9223372036854771712\n");  // no limit
  CgroupLimits limits =
      ReadCgroupLimits("4:memory:/gone\n2:cpu,cpuacct:/job\nnonsense\n", root.Path());
  EXPECT_EQ(limits.cores, 3);
  EXPECT_EQ(limits.memory_bytes, 0);
  root.Write("memory/memory.limit_in_bytes", "1000000\n");
  root.Write("cpu,cpuacct/job/cpu.cfs_quota_us", "-1\n");
  limits = ReadCgroupLimits("4:memory:/gone\n2:cpu,cpuacct:/job\n", root.Path());
  EXPECT_EQ(limits.cores, 0);
  EXPECT_EQ(limits.memory_bytes, 1000000);
}

TEST(HostFacts, OfThisHost) {
  const RankFacts facts = GatherRankFacts({"Open MPI v4", "", "", "", "", "/dev/shm", 4096});
  EXPECT_FALSE(facts.host().empty());
  EXPECT_FALSE(facts.boot_id().empty());
  EXPECT_FALSE(facts.version().empty());
  EXPECT_NE(facts.program_hash(), 0u);
  EXPECT_GT(facts.core_size(), 0);
  EXPECT_LE(facts.core_size(), facts.cores_online());
  EXPECT_GT(facts.memory_free_bytes(), 0);
  EXPECT_LE(facts.memory_free_bytes(), facts.memory_bytes());
  EXPECT_GT(facts.max_open_files(), 0);
  EXPECT_EQ(facts.program_hash(), GatherRankFacts({}).program_hash());
}

TEST(DataFacts, ReadsBothEnds) {
  TempFolder folder;
  std::string text(size_t{5} << 20, 'x');
  DataQuestion question;
  question.add_file(folder.Write("a", text));
  text.back() = 'y';
  question.add_file(folder.Write("b", text));
  text.back() = 'x';
  text.front() = 'y';
  question.add_file(folder.Write("c", text));
  question.add_file(folder.Write("empty", ""));
  question.add_file(folder.Path("gone"));
  question.add_file(folder.Path());
  ASSERT_EQ(mkfifo(folder.Path("pipe").c_str(), 0600), 0);
  question.add_file(folder.Path("pipe"));
  const DataFacts facts = LookAtData(question);
  ASSERT_EQ(facts.file_size(), 7);
  EXPECT_EQ(facts.file(0).n_bytes(), 5 << 20);
  EXPECT_NE(facts.file(0).hash(), facts.file(1).hash());
  EXPECT_NE(facts.file(0).hash(), facts.file(2).hash());
  EXPECT_EQ(facts.file(3).error(), "");
  EXPECT_EQ(facts.file(4).error(), "No such file or directory");
  EXPECT_EQ(facts.file(5).error(), "not a file");
  EXPECT_EQ(facts.file(6).error(), "not a file");
}

TEST(OutputFacts, SeesTokensAndLeavesOnlyItsOwn) {
  TempFolder folder;
  OutputQuestion question;
  question.set_folder(folder.Path());
  question.set_token("12ab");
  question.set_measure_speed(true);
  const OutputFacts zero = LookAtOutput(question, 0);
  EXPECT_EQ(zero.write_error(), "");
  EXPECT_GT(zero.bytes_per_s(), 0);
  EXPECT_GT(zero.free_bytes(), 0);
  question.set_token_is_there(true);
  EXPECT_TRUE(LookAtOutput(question, 1).saw_token());
  EXPECT_TRUE(SeesToken(folder.Path(), "12ab", 1));
  EXPECT_FALSE(SeesToken(folder.Path(), "12ab", 2));
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder.Path()))
    names.push_back(entry.path().filename());
  EXPECT_THAT(names,
              ::testing::UnorderedElementsAre(".zhiyin-doctor-12ab-0", ".zhiyin-doctor-12ab-1"));
  question.set_folder(folder.Path("gone"));
  EXPECT_EQ(LookAtOutput(question, 1).folder_error(), "No such file or directory");
  question.set_folder(folder.Write("file", ""));
  EXPECT_EQ(LookAtOutput(question, 1).folder_error(), "not a folder");
}

TEST(BorrowedFolder, TakesAwayWhatItMade) {
  TempFolder folder;
  {
    const BorrowedFolder borrowed(folder.Path("x/y/z/"));
    EXPECT_EQ(borrowed.error(), "");
    EXPECT_TRUE(std::filesystem::is_directory(folder.Path("x/y/z")));
  }
  EXPECT_FALSE(std::filesystem::exists(folder.Path("x")));
  std::filesystem::create_directories(folder.Path("there"));
  { const BorrowedFolder borrowed(folder.Path("there")); }
  EXPECT_TRUE(std::filesystem::exists(folder.Path("there")));
  {
    const BorrowedFolder borrowed(folder.Path("kept/inner"));
    folder.Write("kept/other", "somebody else's");
  }
  EXPECT_FALSE(std::filesystem::exists(folder.Path("kept/inner")));
  EXPECT_TRUE(std::filesystem::exists(folder.Path("kept/other")));
  folder.Write("file", "");
  EXPECT_NE(BorrowedFolder(folder.Path("file/inner")).error(), "");
}

TEST(WithinLimit, EndsInTime) {
  EXPECT_EQ(WithinLimit<int>(10, [] { return 7; }), 7);
  // It returns while what it has begun still waits.
  const auto release = std::make_shared<std::promise<void>>();
  EXPECT_EQ(WithinLimit<int>(0.05,
                             [release] {
                               release->get_future().wait();
                               return 7;
                             }),
            std::nullopt);
  release->set_value();
}

TEST(CpuCheck, NamesWhatIsMissing) {
  char text[32];
  const rank::CpuFeature features[] = {
      {"avx2", true, false}, {"fma", true, true}, {"avx512f", false, false}, {"bmi2", true, false}};
  EXPECT_EQ(rank::MissingFeatures(features, 4, text, sizeof(text)), 2);
  EXPECT_STREQ(text, "avx2 bmi2");
  EXPECT_EQ(rank::MissingFeatures(features, 4, text, 8), 2);
  EXPECT_STREQ(text, "avx2 bm") << "cut, not overrun";
  EXPECT_EQ(rank::MissingFeatures(features + 1, 2, text, sizeof(text)), 0);
  EXPECT_STREQ(text, "");
}

}  // namespace
}  // namespace zhiyin::launch::apps
