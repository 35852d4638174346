// What `zhiyin doctor` makes of facts: made-up facts in, findings out.
#include <gmock/gmock.h>

#include "launch/apps/doctor/examination.h"

namespace zhiyin::launch::apps {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr int64_t kMiB = int64_t{1} << 20;
constexpr int64_t kGiB = int64_t{1} << 30;

RankFacts HealthyRank(const std::string& host) {
  RankFacts facts;
  facts.set_host(host);
  facts.set_boot_id("boot of " + host);
  facts.set_version("1.0");
  facts.set_program_hash(uint64_t{0x1234567812345678});
  facts.set_mpi_library("Open MPI v4.1.4");
  facts.set_shm_folder("/dev/shm");
  facts.set_shm_segment_bytes(4 * kMiB);
  facts.set_shm_bytes(kGiB);
  facts.set_cores_online(8);
  for (int core = 0; core < 8; ++core) facts.add_core(core);
  facts.set_memory_bytes(16 * kGiB);
  facts.set_memory_free_bytes(8 * kGiB);
  facts.set_max_open_files(1024);
  facts.set_max_locked_bytes(8 * kMiB);
  return facts;
}

void AddInterface(const std::string& name, uint32_t address, int bits, RankFacts* facts) {
  Interface* interface = facts->add_interface();
  interface->set_name(name);
  interface->set_address(address);
  interface->set_prefix_bits(bits);
}

constexpr uint32_t Ip(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return a << 24 | b << 16 | c << 8 | d;
}

/// Ranks 0, 1 on a and 2, 3 on b, of which rank 0 serves, nothing wrong; `census` is its one data
/// file.
Examination Healthy() {
  Examination examination;
  examination.n_ranks = 4;
  for (int rank = 0; rank < 4; ++rank) {
    examination.ranks[rank] = HealthyRank(rank < 2 ? "a" : "b");
    examination.outputs[rank].set_saw_token(rank != 0);
    examination.outputs[rank].set_free_bytes(100 * kGiB);
    examination.outputs[rank].set_bytes_per_s(2e8);
    examination.seen_by_rank_0[rank] = true;
    if (rank == 0) continue;
    FileFacts* file = examination.data[rank].add_file();
    file->set_n_bytes(3000);
    file->set_hash(uint64_t{7} << 32);
  }
  examination.config = "job.textproto";
  examination.job.emplace();
  examination.job->mutable_train()->set_staleness(-1);
  examination.data_files = {"/data/census"};
  examination.output = "/out";
  examination.slots = Slots{8, SlotSource::kMpirun, "", "", ""};
  return examination;
}

/// As Healthy, a rank on each host, all pairs alike.
Examination HealthyHosts(const std::vector<std::string>& names) {
  Examination examination;
  examination.n_ranks = static_cast<int>(names.size());
  for (int rank = 0; rank < examination.n_ranks; ++rank) {
    examination.ranks[rank] = HealthyRank(names[static_cast<size_t>(rank)]);
    for (int from = 0; from < rank; ++from) {
      PairFacts& pair = examination.pairs[{from, rank}];
      pair.set_answered(true);
      pair.set_latency_s(30e-6);
      pair.set_bytes_per_s(1e9);
    }
  }
  return examination;
}

std::vector<std::string> Texts(const Examination& examination, Severity severity) {
  std::vector<std::string> texts;
  for (const Finding& finding : Judge(examination)) {
    if (finding.severity == severity) texts.push_back(finding.text);
  }
  return texts;
}

std::vector<std::string> Wrong(const Examination& examination) {
  return Texts(examination, Severity::kWrong);
}

std::vector<std::string> Notes(const Examination& examination) {
  return Texts(examination, Severity::kNote);
}

TEST(Doctor, FindsNothingWhereNothingIsWrong) {
  EXPECT_THAT(Judge(Healthy()), IsEmpty());
  EXPECT_THAT(Judge(HealthyHosts({"a", "b", "c"})), IsEmpty());
  const std::string report = ReportText(Healthy(), {});
  EXPECT_THAT(report,
              StartsWith("zhiyin doctor: 4 ranks on 2 hosts\nnothing is wrong\n  a: ranks 0, 1 (1 "
                         "server, 1 worker), 8 cores"));
  EXPECT_THAT(report, HasSubstr("  b: ranks 2, 3 (0 servers, 2 workers)"));
  EXPECT_THAT(report, HasSubstr("  data: 1 file, 2.9 KiB, looked at by 3 workers\n"));
}

TEST(Doctor, TooFewSlots) {
  Examination examination = Healthy();
  examination.n_wanted = 9;
  EXPECT_THAT(Wrong(examination),
              ElementsAre(StartsWith(
                  "too few slots: 9 ranks need 9, mpirun was given 8: name more hosts")));
  examination.slots = Slots{3, SlotSource::kHostfile, "hosts", "a 2, b 1", ""};
  EXPECT_THAT(Wrong(examination),
              ElementsAre(HasSubstr("hosts has 3 (a 2, b 1): raise slots=N there, add hosts")));
  examination.slots = Slots{3, SlotSource::kSlurm, "", "", ""};
  EXPECT_THAT(Wrong(examination), ElementsAre(HasSubstr("ask for more (sbatch --ntasks=9)")));
  examination.slots = Slots{3, SlotSource::kCores, "", "", ""};
  EXPECT_THAT(Wrong(examination),
              ElementsAre(HasSubstr("without a hostfile mpirun has 3 here, one a core")));
  examination.slots = Slots{9, SlotSource::kCores, "", "", ""};
  EXPECT_THAT(Wrong(examination), IsEmpty());
}

TEST(Doctor, SlotsOfAHostfileThatLeavesSomeOpen) {
  Examination examination = Healthy();
  examination.n_wanted = 9;
  examination.slots = Slots{3, SlotSource::kHostfile, "hosts", "a 3", "b"};
  EXPECT_THAT(Judge(examination),
              ElementsAre(::testing::Field(&Finding::severity, Severity::kNote)));
  EXPECT_THAT(Notes(examination),
              ElementsAre(HasSubstr("and those of b, which mpirun counts by their cores")));
  examination.n_wanted = 3;
  EXPECT_THAT(Judge(examination), IsEmpty());
}

TEST(Doctor, ServersAloneAskForSlotsToo) {
  Examination examination;
  examination.under_mpirun = false;
  examination.ranks[0] = HealthyRank("a");
  examination.n_servers = 4;
  examination.n_servers_given = true;
  examination.slots = Slots{4, SlotSource::kCores, "", "", ""};
  EXPECT_THAT(Wrong(examination), ElementsAre(HasSubstr("5 ranks need 5")));
  examination.n_servers_given = false;
  EXPECT_THAT(Judge(examination), IsEmpty());
}

TEST(Doctor, RolesThatDoNotFit) {
  Examination examination = Healthy();
  examination.n_servers = 4;
  EXPECT_THAT(Wrong(examination),
              ElementsAre(StartsWith("--servers=4 with 4 ranks leaves no worker")));
  examination.n_wanted = 6;
  EXPECT_THAT(Wrong(examination), IsEmpty());
  examination.job->mutable_train()->set_staleness(0);
  examination.job->mutable_train()->set_batch_size(101);
  EXPECT_THAT(Wrong(examination),
              ElementsAre(HasSubstr("job.textproto: train.batch_size: is 101")));
}

TEST(Doctor, DifferentBuilds) {
  Examination examination = Healthy();
  examination.ranks[3].set_program_hash(uint64_t{0xabcdef0112345678});
  EXPECT_THAT(
      Wrong(examination),
      ElementsAre(
          "different builds of zhiyin: 1.0 (file 12345678): ranks 0, 1 on a; rank 2 on b; 1.0 "
          "(file abcdef01): rank 3 on b: copy one file to all hosts, or start it from a shared "
          "folder"));
  examination = Healthy();
  examination.ranks[2].set_version("1.1");
  EXPECT_THAT(Wrong(examination), ElementsAre(HasSubstr("1.1 (file 12345678): rank 2 on b")));
}

TEST(Doctor, DifferentMpi) {
  Examination examination = Healthy();
  for (const int rank : {2, 3}) examination.ranks[rank].set_mpi_library("Open MPI v5.0.1");
  EXPECT_THAT(
      Wrong(examination),
      ElementsAre(AllOf(StartsWith("different versions of MPI: Open MPI v4.1.4: ranks 0, 1 on a"),
                        HasSubstr("Open MPI v5.0.1: ranks 2, 3 on b"))));
}

TEST(Doctor, TwoMachinesOfOneName) {
  Examination examination = Healthy();
  examination.ranks[1].set_boot_id("another");
  EXPECT_THAT(Wrong(examination),
              ElementsAre(StartsWith("two machines call themselves a (ranks 0 and 1)")));
}

TEST(Doctor, MoreRanksThanCores) {
  Examination examination = Healthy();
  for (auto& [rank, facts] : examination.ranks) {
    facts.clear_core();
    facts.add_core(0);
    facts.set_cores_online(1);
  }
  EXPECT_THAT(Wrong(examination), IsEmpty());
  EXPECT_THAT(Notes(examination), ElementsAre(StartsWith("a has more ranks than cores, 2 on 1:"),
                                              StartsWith("b has more ranks than cores, 2 on 1:")));
  examination = Healthy();
  for (const int rank : {0, 1}) examination.ranks[rank].set_core_quota(1.5);
  EXPECT_THAT(
      Notes(examination),
      ElementsAre(StartsWith("a has more ranks than cores, 2 on 1.5 (its control group's quota)")));
  EXPECT_THAT(ReportText(examination, {}), HasSubstr("8 cores (1.5 for its ranks)"));
}

TEST(Doctor, EachRankOnACoreOfItsOwnIsNoOversubscription) {
  Examination examination = Healthy();
  for (auto& [rank, facts] : examination.ranks) {
    facts.clear_core();
    facts.add_core(rank % 2);
  }
  EXPECT_THAT(Judge(examination), IsEmpty());
}

TEST(Doctor, RanksBoundToOneCore) {
  Examination examination = Healthy();
  for (const int rank : {2, 3, 4}) {
    examination.ranks[rank] = HealthyRank("b");
    examination.ranks[rank].clear_core();
    examination.ranks[rank].add_core(rank == 4 ? 1 : 0);
  }
  examination.ranks[5] = HealthyRank("b");
  examination.n_ranks = 6;
  EXPECT_THAT(
      Wrong(examination),
      ElementsAre(
          "ranks 2, 3 on b are bound to the same core, 0, of 8: start mpirun with --bind-to none"));
}

TEST(Doctor, MemoryForTheTablesBudgets) {
  Examination examination = Healthy();
  examination.job->add_table()->mutable_eviction()->set_max_bytes(9 * kGiB);
  EXPECT_THAT(
      Wrong(examination),
      ElementsAre(StartsWith("a has 8.0 GiB of memory free, and its 1 server may fill 9.0 GiB")));
  examination.n_servers = 3;  // two on a, one on b
  EXPECT_THAT(Wrong(examination), IsEmpty());
}

TEST(Doctor, SharedMemoryThatIsTooSmall) {
  Examination examination = Healthy();
  for (const int rank : {2, 3}) examination.ranks[rank].set_shm_bytes(7 * kMiB);
  EXPECT_THAT(Wrong(examination),
              ElementsAre(AllOf(StartsWith("/dev/shm on b holds 7.0 MiB"),
                                HasSubstr("may take 8.0 MiB"), HasSubstr("--shm-size"))));
}

TEST(Doctor, TooFewOpenFiles) {
  Examination examination = Healthy();
  for (const int rank : {0, 1}) examination.ranks[rank].set_max_open_files(65);
  EXPECT_THAT(Wrong(examination), ElementsAre(AllOf(StartsWith("a process on a may open 65 files"),
                                                    HasSubstr("ulimit -n"))));
}

TEST(Doctor, RdmaWithoutLockedMemory) {
  Examination examination = Healthy();
  examination.ranks[2].set_has_rdma(true);
  EXPECT_THAT(Notes(examination),
              ElementsAre(AllOf(StartsWith("b has RDMA"), HasSubstr("ulimit -l unlimited"))));
  examination.ranks[2].set_max_locked_bytes(64 * kGiB);
  EXPECT_THAT(Judge(examination), IsEmpty());
}

TEST(Doctor, RanksWithoutData) {
  Examination examination = Healthy();
  examination.data_files = {"/data/1", "/data/2", "/data/3"};
  for (auto& [rank, data] : examination.data) {
    data.clear_file();
    for (int f = 0; f < 3; ++f) {
      if (rank == 3 && f > 0) {
        data.add_file()->set_error("No such file or directory");
      } else {
        data.add_file()->set_n_bytes(9);
      }
    }
  }
  EXPECT_THAT(
      Wrong(examination),
      ElementsAre(StartsWith("rank 3 on b is without data: /data/2: No such file or directory "
                             "(and 1 other file): every worker's host needs")));
  *examination.data[2].mutable_file(1) = examination.data[3].file(1);
  *examination.data[2].mutable_file(2) = examination.data[3].file(2);
  EXPECT_THAT(Wrong(examination),
              ElementsAre(StartsWith("ranks 2, 3 on b are without data: /data/2: ")));
}

TEST(Doctor, DataThatDiffers) {
  Examination examination = Healthy();
  examination.data[3].mutable_file(0)->set_n_bytes(2999);
  EXPECT_THAT(Wrong(examination),
              ElementsAre("/data/census differs between ranks: 3000 bytes, hash 7 at rank 1 on a; "
                          "rank 2 on b; 2999 bytes, "
                          "hash 7 at rank 3 on b: copy the same file to all workers' hosts"));
  examination.data[3].mutable_file(0)->set_n_bytes(3000);
  examination.data[3].mutable_file(0)->set_hash(uint64_t{8} << 32);
  EXPECT_THAT(Wrong(examination), ElementsAre(HasSubstr("3000 bytes, hash 8 at rank 3 on b")));
}

TEST(Doctor, AnOutputFolderThatAHostCannotSee) {
  Examination examination = Healthy();
  for (const int rank : {2, 3}) {
    examination.outputs[rank].Clear();
    examination.outputs[rank].set_folder_error("No such file or directory");
  }
  EXPECT_THAT(Wrong(examination),
              ElementsAre("--output=/out: host b cannot see it (ranks 2, 3 on b: No such file or "
                          "directory): name a folder that all hosts share, or mount it there too"));
}

TEST(Doctor, AnOutputFolderThatCannotBeMade) {
  Examination examination = Healthy();
  examination.outputs.clear();
  examination.outputs[0].set_folder_error("Not a directory");
  EXPECT_THAT(
      Wrong(examination),
      ElementsAre(
          "--output=/out: cannot be made on host a (Not a directory): name another folder"));
}

TEST(Doctor, AnOutputFolderThatIsAnotherOneElsewhere) {
  Examination examination = Healthy();
  for (const int rank : {2, 3}) examination.outputs[rank].set_saw_token(false);
  EXPECT_THAT(Wrong(examination),
              ElementsAre(StartsWith("--output=/out: host b cannot see what rank 0 writes there")));
  for (const int rank : {2, 3}) examination.outputs[rank].set_saw_token(true);
  examination.seen_by_rank_0[3] = false;  // and the other way round
  EXPECT_THAT(Wrong(examination),
              ElementsAre(HasSubstr("host b cannot see what rank 0 writes there (rank 3 on b)")));
}

TEST(Doctor, AFullDisk) {
  Examination examination = Healthy();
  for (auto& [rank, output] : examination.outputs) {
    output.Clear();
    output.set_disk_is_full(true);
    output.set_write_error("No space left on device");
  }
  EXPECT_THAT(Wrong(examination),
              ElementsAre(StartsWith(
                  "--output=/out: the disk is full on hosts a, b (0 bytes free, ranks 0, 1 on "
                  "a; ranks 2, 3 on b: No space left on device)")));
}

TEST(Doctor, ADiskThatIsNearlyFullOrSlowOrLocked) {
  Examination examination = Healthy();
  examination.outputs[2].set_free_bytes(500 * kMiB);
  EXPECT_THAT(
      Wrong(examination),
      ElementsAre(StartsWith(
          "--output=/out: the disk is nearly full on host b: 500 MiB free, 1.0 GiB wanted")));
  examination = Healthy();
  examination.job->add_table()->mutable_eviction()->set_max_bytes(60 * kGiB);
  for (auto& [rank, facts] : examination.ranks) facts.set_memory_free_bytes(70 * kGiB);
  EXPECT_THAT(Wrong(examination),
              ElementsAre(HasSubstr("nearly full on hosts a, b: 100 GiB free, 120 GiB wanted")));
  examination = Healthy();
  examination.outputs[2].set_bytes_per_s(1e6);
  EXPECT_THAT(Wrong(examination),
              ElementsAre(StartsWith("--output=/out: the disk is slow on host b: 977 KiB/s")));
  examination = Healthy();
  examination.outputs[3].set_write_error("Permission denied");
  EXPECT_THAT(Wrong(examination),
              ElementsAre(StartsWith(
                  "--output=/out: cannot be written on host b (rank 3 on b: Permission denied)")));
}

TEST(Doctor, APairThatIsMuchSlower) {
  Examination examination = HealthyHosts({"a", "b", "c"});
  examination.pairs[{1, 2}].set_latency_s(0.02);
  EXPECT_THAT(
      Wrong(examination),
      ElementsAre(StartsWith("messages between b and c take 2e+04 us, 667 times the median")));
  examination.pairs[{1, 2}].set_latency_s(190e-6);  // harmless, however fast the others are
  for (const int to : {1, 2}) examination.pairs[{0, to}].set_latency_s(1e-6);
  EXPECT_THAT(Wrong(examination), IsEmpty());
  examination.pairs[{0, 1}].set_bytes_per_s(9e7);
  EXPECT_THAT(Wrong(examination),
              ElementsAre(AllOf(StartsWith("between a and b pass 85.8 MiB/s, 11.1 times less"))));
  examination.pairs[{0, 1}].set_bytes_per_s(11e7);
  EXPECT_THAT(Wrong(examination), IsEmpty());
}

TEST(Doctor, APairWithoutAnAnswer) {
  Examination examination = HealthyHosts({"a", "b"});
  AddInterface("eth0", Ip(10, 0, 0, 1), 24, &examination.ranks[0]);
  AddInterface("eth0", Ip(10, 0, 0, 2), 24, &examination.ranks[1]);
  examination.pairs[{0, 1}].set_answered(false);
  EXPECT_THAT(Wrong(examination),
              ElementsAre(AllOf(StartsWith("rank 0 on a got no answer from rank 1 on b"),
                                HasSubstr("--mca btl_tcp_if_include 10.0.0.0/24"))));
}

TEST(Doctor, InterfacesThatLeadNowhere) {
  Examination examination = HealthyHosts({"a", "b"});
  for (const int rank : {0, 1}) {
    RankFacts& facts = examination.ranks[rank];
    AddInterface("ens3", Ip(10, 1, 0, 1 + static_cast<uint32_t>(rank)), 16, &facts);
    AddInterface("docker0", Ip(172, 17, 0, 1), 16, &facts);
    AddInterface("odd0", Ip(192, 168, 122, 1), 24, &facts);
  }
  EXPECT_THAT(Wrong(examination), IsEmpty());
  EXPECT_THAT(
      Notes(examination),
      ElementsAre(AllOf(StartsWith("docker0 (172.17.0.0/16) on a, b leads to no other host"),
                        HasSubstr("--mca btl_tcp_if_include 10.1.0.0/16")),
                  StartsWith("odd0 (192.168.122.0/24) on a, b")));
  for (auto& [rank, facts] : examination.ranks) facts.set_tcp_if_include("ens3");
  EXPECT_THAT(Judge(examination), IsEmpty()) << "somebody has chosen";
}

TEST(Doctor, SeveralNetworks) {
  Examination examination = HealthyHosts({"a", "b"});
  for (const int rank : {0, 1}) {
    AddInterface("eth0", Ip(10, 0, 0, 1 + static_cast<uint32_t>(rank)), 24,
                 &examination.ranks[rank]);
    AddInterface("eth1", Ip(10, 0, 1, 1 + static_cast<uint32_t>(rank)), 24,
                 &examination.ranks[rank]);
  }
  EXPECT_THAT(
      Notes(examination),
      ElementsAre(StartsWith("the hosts share several networks (10.0.0.0/24, 10.0.1.0/24)")));
}

TEST(Doctor, ClocksThatDiffer) {
  Examination examination = HealthyHosts({"a", "b", "c"});
  examination.pairs[{0, 1}].set_clock_offset_s(0.9);
  examination.pairs[{0, 2}].set_clock_offset_s(-3600);
  EXPECT_THAT(Wrong(examination), IsEmpty());
  EXPECT_THAT(Notes(examination),
              ElementsAre(StartsWith("the clock of c is 3.6e+03 s behind that of a")));
}

TEST(Doctor, RanksThatDoNotAnswer) {
  Examination examination = Healthy();
  AddInterface("eth0", Ip(10, 0, 0, 1), 24, &examination.ranks[0]);
  examination.silent.emplace_back(3, "look at the data files");
  EXPECT_THAT(
      Wrong(examination),
      ElementsAre(StartsWith("rank 3 on b did not answer for 30 s (the limit is --timeout_s) "
                             "when it was to look at the data files")));
  examination.ranks.erase(3);
  examination.data.erase(3);
  examination.outputs.erase(3);
  EXPECT_THAT(Wrong(examination), ElementsAre(AllOf(StartsWith("rank 3 did not answer"),
                                                    HasSubstr("rank 0 has eth0 10.0.0.0/24"))));
  examination.silent.clear();
  examination.troubles.emplace_back(2, "its disk does not answer");
  examination.errors = {"message from rank 3: protocol version 2"};
  EXPECT_THAT(Wrong(examination), ElementsAre("message from rank 3: protocol version 2",
                                              "rank 2 on b: its disk does not answer"));
}

TEST(Doctor, WrongComesFirstAndALineIsALine) {
  Examination examination = Healthy();
  examination.ranks[2].set_has_rdma(true);
  examination.data[3].mutable_file(0)->set_error("bad\nwrong: forged");
  const Findings findings = Judge(examination);
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_EQ(findings[0].severity, Severity::kWrong);
  const std::string report = ReportText(examination, findings);
  EXPECT_THAT(report,
              HasSubstr("\nwrong: rank 3 on b is without data: /data/census: bad\\nwrong: forged"));
  EXPECT_THAT(report, HasSubstr("\nnote: b has RDMA"));
  EXPECT_THAT(report, Not(HasSubstr("nothing is wrong")));
}

TEST(Doctor, NamesRanksByHost) {
  Examination examination = Healthy();
  EXPECT_EQ(NameRanks(examination, {0, 1, 2, 3}), "ranks 0, 1 on a; ranks 2, 3 on b");
  EXPECT_EQ(NameRanks(examination, {1, 3, 9}), "rank 9; rank 1 on a; rank 3 on b");
  for (int rank = 4; rank < 8; ++rank) examination.ranks[rank] = HealthyRank("b");
  EXPECT_EQ(NameRanks(examination, {2, 4, 5, 6, 7}), "ranks 2, 4-7 on b");
}

TEST(Doctor, EveryPairOfHostsIsMeasuredOnceAndNoRankTwiceAtATime) {
  for (int n_hosts = 1; n_hosts <= 9; ++n_hosts) {
    std::vector<Host> hosts;
    for (int h = 0; h < n_hosts; ++h)
      hosts.push_back({"h" + std::to_string(h), {10 * h, 10 * h + 1}});
    std::map<std::pair<int, int>, int> times;
    for (const auto& round : PairRounds(hosts)) {
      std::map<int, int> busy;
      for (const auto& pair : round) {
        ++times[pair];
        EXPECT_EQ(++busy[pair.first], 1);
        EXPECT_EQ(++busy[pair.second], 1);
        EXPECT_LT(pair.first, pair.second);
      }
    }
    EXPECT_EQ(times.size(), static_cast<size_t>(n_hosts * (n_hosts - 1) / 2 + n_hosts));
    for (const auto& [pair, n] : times) EXPECT_EQ(n, 1);
  }
}

TEST(Doctor, TransportsByWhatLeftByTcp) {
  Examination examination = HealthyHosts({"a", "b"});
  AddInterface("eth0", Ip(10, 0, 0, 1), 24, &examination.ranks[0]);
  PairFacts pair;
  pair.set_sent_bytes(1000);
  pair.set_tcp_bytes(990);
  pair.set_tcp_address(Ip(10, 0, 0, 1));
  EXPECT_EQ(TransportText(examination, 0, 1, pair), "TCP over eth0");
  pair.set_tcp_address(Ip(127, 0, 0, 1));
  EXPECT_EQ(TransportText(examination, 0, 1, pair), "TCP over loopback");
  pair.set_tcp_bytes(10);
  EXPECT_EQ(TransportText(examination, 0, 1, pair), "no TCP (RDMA or the like)");
  examination.ranks[1].set_boot_id(examination.ranks[0].boot_id());
  EXPECT_EQ(TransportText(examination, 0, 1, pair), "shared memory");
}

}  // namespace
}  // namespace zhiyin::launch::apps
