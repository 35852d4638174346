// A whole examination over a simulated network, with ranks that are well and ranks that are not.
#include <gmock/gmock.h>

#include <filesystem>
#include <map>

#include "common/net/sim_network.h"
#include "launch/apps/doctor/doctor.h"
#include "launch/apps/doctor/postbox.h"
#include "tests/support/files.h"

namespace zhiyin::launch::apps {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using zhiyin::testing::TempFolder;

constexpr double kLimitS = 20;

/// Two ranks on each of the hosts h0, h1, ... Other bodies stand for ranks that are not well.
class Exam {
 public:
  explicit Exam(int n_ranks) : n_ranks_(n_ranks) {
    options.limit_s = kLimitS;
    options.print = [this](const std::string& text) { report += text; };
    options.print_error = [this](const std::string& text) { left_alone += text + "\n"; };
  }

  /// Runs all ranks; returns what rank 0 came to.
  DoctorOutcome Run() {
    DoctorOutcome outcome;
    net::SimNetwork network(n_ranks_, {.seed = 3});
    network.Run([&](net::Endpoint& endpoint) {
      const int rank = endpoint.rank();
      if (const auto other = bodies.find(rank); other != bodies.end()) {
        other->second(endpoint);
        return;
      }
      DoctorOptions own = options;
      own.gather = [rank] {
        RankFacts facts;
        facts.set_host("h" + std::to_string(rank / 2));
        facts.set_boot_id("boot " + facts.host());
        facts.set_max_open_files(1000);
        return facts;
      };
      own.wall_clock = [&endpoint, rank] { return 1e9 + endpoint.Now() + (rank / 2 == 1 ? 5 : 0); };
      const DoctorOutcome here = ExamineRank(endpoint, own);
      if (rank == 0) outcome = here;
    });
    return outcome;
  }

  DoctorOptions options;
  std::map<int, std::function<void(net::Endpoint&)>> bodies;
  std::string report;
  std::string left_alone;

 private:
  int n_ranks_;
};

TEST(Exam, OfRanksThatAreWell) {
  Exam exam(6);
  TempFolder folder;
  exam.options.output = folder.Path("new");
  const DoctorOutcome outcome = exam.Run();
  EXPECT_EQ(outcome.exit_code, 0) << exam.report;
  EXPECT_TRUE(outcome.all_are_ending);
  EXPECT_THAT(exam.report,
              AllOf(HasSubstr("6 ranks on 3 hosts"), HasSubstr("nothing is wrong"),
                    HasSubstr("within h2: "), HasSubstr("h0 - h1: "), HasSubstr("h1 - h2: ")));
  // h1's clock is ahead; what the network takes is halved out.
  EXPECT_THAT(exam.report, HasSubstr("note: the clock of h1 is 5 s ahead of that of h0"));
  EXPECT_FALSE(std::filesystem::exists(folder.Path("new")));
  EXPECT_EQ(exam.left_alone, "");
}

TEST(Exam, OfARankThatNeverSpeaks) {
  Exam exam(6);
  exam.bodies[4] = [](net::Endpoint& endpoint) { endpoint.Receive(endpoint.Now() + 1000); };
  const DoctorOutcome outcome = exam.Run();
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_FALSE(outcome.all_are_ending);
  EXPECT_THAT(exam.report, HasSubstr("wrong: rank 4 did not answer for 20 s (the limit is "
                                     "--timeout_s) when it was to say what it is"));
  EXPECT_THAT(exam.report, HasSubstr("h0 - h2: ")) << "the others are examined all the same";
  EXPECT_EQ(exam.left_alone, "") << "and wait as long as it takes";
}

TEST(Exam, OfARankThatFallsSilent) {
  Exam exam(4);
  TempFolder folder;
  exam.options.output = folder.Path();
  exam.bodies[3] = [](net::Endpoint& endpoint) {
    Answer answer;
    answer.mutable_rank()->set_host("h1");
    answer.mutable_rank()->set_max_open_files(1000);
    Postbox(&endpoint, WallClock).Tell(answer);
    endpoint.Receive(endpoint.Now() + 1000);
  };
  EXPECT_EQ(exam.Run().exit_code, 1);
  EXPECT_THAT(exam.report, HasSubstr("wrong: rank 3 on h1 did not answer for 20 s (the limit is "
                                     "--timeout_s) when it was to write a "
                                     "few files under --output"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.Path()));
}

TEST(Exam, OfAPeerThatAnswersRankZeroButNoPing) {
  Exam exam(4);
  exam.bodies[2] = [](net::Endpoint& endpoint) {
    Answer answer;
    answer.mutable_rank()->set_host("h1");
    answer.mutable_rank()->set_max_open_files(1000);
    Postbox(&endpoint, WallClock).Tell(answer);
    answer.mutable_pair()->set_answered(false);
    const double end = endpoint.Now() + 1000;
    while (const std::optional<net::Frame> frame = endpoint.Receive(end)) {
      if (frame->kind() == net::FrameKind::kQuestion) Postbox(&endpoint, WallClock).Tell(answer);
    }
  };
  const DoctorOutcome outcome = exam.Run();
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(exam.report, HasSubstr("wrong: rank 0 on h0 got no answer from rank 2 on h1"));
}

TEST(Exam, OfARankThatTalksNonsense) {
  Exam exam(4);
  exam.bodies[3] = [](net::Endpoint& endpoint) {
    endpoint.Send(0, net::Frame(net::FrameKind::kAnswer, 1, 0, "\xff\xff"));
    endpoint.Receive(endpoint.Now() + 1000);
  };
  EXPECT_EQ(exam.Run().exit_code, 1);
  EXPECT_THAT(exam.report, HasSubstr("wrong: rank 3: answer from rank 3: 2 bytes that are none"));
}

TEST(Exam, OfARankOfAnotherProtocol) {
  Exam exam(4);
  exam.bodies[3] = [](net::Endpoint& endpoint) {
    net::Frame frame(net::FrameKind::kAnswer, 1, 0, 0);
    frame.bytes()[4] = std::byte{9};  // the header's version
    endpoint.Send(0, std::move(frame));
    endpoint.Receive(endpoint.Now() + 1000);
  };
  const DoctorOutcome outcome = exam.Run();
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_FALSE(outcome.all_are_ending);
  EXPECT_THAT(exam.report, AllOf(HasSubstr("wrong: message from rank 3: protocol version 9, "
                                           "expected 1: the ranks run different builds"),
                                 HasSubstr("h0 - h1: ")));
}

TEST(Exam, RanksThatRankZeroLeavesAloneEnd) {
  Exam exam(4);
  exam.bodies[0] = [](net::Endpoint&) {};
  exam.Run();
  EXPECT_THAT(exam.left_alone,
              HasSubstr("no word from rank 0 for 20 s (the limit is --timeout_s)"));
}

TEST(Exam, AWrongConfigIsAFinding) {
  Exam exam(2);
  TempFolder folder;
  exam.options.config = folder.Write("job.textproto", "nam: 'x'\n");
  EXPECT_EQ(exam.Run().exit_code, 1);
  EXPECT_THAT(exam.report, HasSubstr("job.textproto:1: no field \"nam\""));
  exam.report.clear();
  exam.options.config.clear();
  exam.options.hostfile = folder.Path("nowhere");
  EXPECT_EQ(exam.Run().exit_code, 1);
  EXPECT_THAT(exam.report,
              AllOf(HasSubstr("nowhere: cannot open"), Not(HasSubstr("nothing is wrong"))));
}

TEST(Exam, OfOneProcessAlone) {
  Exam exam(1);
  exam.options.under_mpirun = false;
  EXPECT_EQ(exam.Run().exit_code, 0) << exam.report;
  EXPECT_THAT(exam.report,
              HasSubstr("this host alone; for all hosts of a job: mpirun -n RANKS zhiyin doctor"));
  exam.options.n_wanted = 1 << 19;
  EXPECT_EQ(exam.Run().exit_code, 1);
  EXPECT_THAT(exam.report, HasSubstr("wrong: too few slots: 524288 ranks need 524288"));
}

}  // namespace
}  // namespace zhiyin::launch::apps
