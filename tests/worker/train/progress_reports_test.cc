#include "worker/train/progress_reports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "common/error.h"
#include "common/net/sim_network.h"
#include "worker/train/group.h"

namespace zhiyin::worker::train {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

/// A server and three workers, each of which trains on 1500 slices of an epoch: every third is
/// reported.
constexpr net::RoleMap kReportRoles = {.n_servers = 1, .n_workers = 3};
constexpr int64_t kReportSlices = 4500;

EpochTally TallyOf(int64_t n_rows) {
  EpochTally tally(1);
  tally.n_rows = n_rows;
  return tally;
}

struct Reporter {
  net::Mailbox* mailbox;
  Group* group;
  ProgressReports* reports;
};

/// Runs `work` as every worker, and `serve` as the server.
void RunReporters(const std::function<void(const Reporter&)>& work,
                  ProgressStyle style = ProgressStyle::kLog,
                  const std::function<void(net::Mailbox*)>& serve = {}) {
  net::SimNetwork network(kReportRoles.n_ranks(), {});
  network.Run([&](net::Endpoint& endpoint) {
    net::Mailbox mailbox(&endpoint, 1000);
    if (kReportRoles.IsServer(endpoint.rank())) {
      if (serve) serve(&mailbox);
      return;
    }
    Group group(&mailbox, kReportRoles);
    ProgressPrinter printer(style, {"a"}, 2, 100, [](const std::string&) {});
    ProgressReports reports(kReportRoles, style, 1, kReportSlices, &mailbox, &printer);
    work({&mailbox, &group, &reports});
  });
}

/// Trains on so many slices of one example each, and waits until all have.
void TrainOn(int n_slices, const Reporter& reporter) {
  for (int i = 1; i <= n_slices; ++i) reporter.reports->AfterSlice(TallyOf(i));
  reporter.group->Barrier("the others");
}

TEST(ProgressReports, TheChiefLearnsTheLatestOfEachWorker) {
  RunReporters([](const Reporter& reporter) {
    reporter.reports->BeginEpoch(0);
    const int worker = reporter.group->worker();
    TrainOn(worker == 0 ? 2 : worker == 1 ? 7 : 12, reporter);
    if (!reporter.group->IsChief()) return;
    reporter.reports->TakeArrived();
    const std::vector<EpochTally>& tallies = reporter.reports->tallies();
    ASSERT_EQ(tallies.size(), 3u);
    EXPECT_EQ(tallies[0].n_rows, 0) << "its first report is due after three slices";
    EXPECT_EQ(tallies[1].n_rows, 6);
    EXPECT_EQ(tallies[2].n_rows, 12);
    reporter.reports->AfterSlice(TallyOf(3));
    EXPECT_EQ(tallies[0].n_rows, 3);
  });
}

TEST(ProgressReports, TheChiefTakesThoseOfOthersWithItsOwn) {
  RunReporters([](const Reporter& reporter) {
    reporter.reports->BeginEpoch(0);
    TrainOn(reporter.group->IsChief() ? 2 : 3, reporter);
    if (!reporter.group->IsChief()) return;
    reporter.reports->AfterSlice(TallyOf(3));
    for (const EpochTally& tally : reporter.reports->tallies()) EXPECT_EQ(tally.n_rows, 3);
  });
}

TEST(ProgressReports, AnEpochBeginsWithoutThoseOfTheOneBefore) {
  RunReporters([](const Reporter& reporter) {
    reporter.reports->BeginEpoch(0);
    TrainOn(5, reporter);
    reporter.reports->BeginEpoch(1);
    if (reporter.group->IsChief()) {
      // Those of the first epoch that nobody has taken are no news of the second.
      reporter.reports->TakeArrived();
      for (const EpochTally& tally : reporter.reports->tallies()) EXPECT_EQ(tally.n_rows, 0);
    }
    // The third slice of this epoch, and no earlier one, is reported.
    TrainOn(2, reporter);
    if (!reporter.group->IsChief()) return;
    reporter.reports->TakeArrived();
    for (const EpochTally& tally : reporter.reports->tallies()) EXPECT_EQ(tally.n_rows, 0);
  });
}

TEST(ProgressReports, NobodySendsWhatNobodySees) {
  RunReporters(
      [](const Reporter& reporter) {
        reporter.reports->BeginEpoch(0);
        TrainOn(30, reporter);
        EXPECT_FALSE(reporter.mailbox->Take({net::FrameKind::kProgress}));
      },
      ProgressStyle::kNone);
}

TEST(ProgressReports, OfNoSenseNameTheRank) {
  RunReporters([](const Reporter& reporter) {
    reporter.reports->BeginEpoch(0);
    if (reporter.group->worker() == 1) {
      reporter.mailbox->Send(kReportRoles.ChiefRank(),
                             net::Frame(net::FrameKind::kProgress, 1, 0, "nonsense, no tally"));
    }
    reporter.group->Barrier("the others");
    if (!reporter.group->IsChief()) return;
    EXPECT_THAT([&] { reporter.reports->TakeArrived(); },
                ThrowsMessage<Error>(AllOf(StartsWith("rank 2: "), HasSubstr("progress"))));
  });
}

TEST(ProgressReports, AreNotTakenFromAServer) {
  RunReporters(
      [](const Reporter& reporter) {
        reporter.reports->BeginEpoch(0);
        if (!reporter.group->IsChief()) return;
        const auto take_all = [&] {
          reporter.mailbox->Await({net::FrameKind::kGather}, "the server");
          reporter.reports->TakeArrived();
        };
        EXPECT_THAT(take_all, ThrowsMessage<Error>(HasSubstr("which is a server")));
      },
      ProgressStyle::kLog,
      [](net::Mailbox* mailbox) {
        mailbox->Send(kReportRoles.ChiefRank(),
                      net::Frame(net::FrameKind::kProgress, 1, 0, TallyOf(1).Serialize()));
        mailbox->Send(kReportRoles.ChiefRank(), net::Frame(net::FrameKind::kGather, 2, 0, ""));
      });
}

}  // namespace
}  // namespace zhiyin::worker::train
