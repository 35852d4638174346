// The parts of a server without a network: checks of requests, pulls that wait, refused gradients.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <numeric>

#include "common/error.h"
#include "common/file.h"
#include "ps/server/gradient_check.h"
#include "ps/server/pending_pulls.h"
#include "ps/server/pulls.h"
#include "ps/server/push_gradients.h"
#include "ps/server/pushes.h"
#include "ps/server/replies.h"
#include "ps/server/request_check.h"
#include "ps/server/saves.h"
#include "ps/server/state.h"
#include "tests/support/example_jobs.h"
#include "tests/support/files.h"
#include "tests/support/optimizers.h"

namespace zhiyin::ps::server {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

constexpr int kPartsDim = 2;
constexpr net::RoleMap kOneServer = {1, 2};

Job PartsJob(double max_gradient = 0) {
  Job job = testing::ExampleJob("mmoe { n_experts: 1 expert: 2 }", kPartsDim);
  job.mutable_train()->set_max_gradient(max_gradient);
  return job;
}

/// A pull of these keys of table 1, from worker 0.
net::Frame PullOf(const std::vector<Key>& keys, size_t n_tables, uint64_t id = 1,
                  uint64_t step = 0) {
  net::Frame frame(net::FrameKind::kPull, id, step,
                   n_tables * sizeof(Section) + keys.size() * sizeof(Key));
  auto* section = reinterpret_cast<Section*>(frame.payload().data());
  for (size_t t = 0; t < n_tables; ++t)
    section[t] = {static_cast<TableId>(t), kFetch, t == 1 ? keys.size() : 0};
  std::copy(keys.begin(), keys.end(), reinterpret_cast<Key*>(section + n_tables));
  frame.Arrived(kOneServer.RankOfWorker(0));
  return frame;
}

net::Frame PushOf(const std::vector<float>& gradients, uint32_t n_slices = 1) {
  net::Frame frame(net::FrameKind::kPush, 2, 0,
                   sizeof(PushPrelude) + gradients.size() * sizeof(float));
  const PushPrelude prelude = {1, 1, 0, n_slices};
  std::memcpy(frame.payload().data(), &prelude, sizeof(prelude));
  std::copy(gradients.begin(), gradients.end(),
            reinterpret_cast<float*>(frame.payload().data() + sizeof(prelude)));
  frame.Arrived(kOneServer.RankOfWorker(0));
  return frame;
}

TEST(RequestCheck, PassesSectionsThatAreWhole) {
  ServerState state(kOneServer, 0, PartsJob(), false, 0);
  RequestCheck check(&state);
  const size_t n_tables = state.tables.size();
  const net::Frame pull = PullOf({7, 8, 9}, n_tables);
  const std::span<const Section> sections = check.Sections(pull, false);
  ASSERT_EQ(sections.size(), n_tables);
  EXPECT_EQ(sections[1].n_keys, 3u);
  EXPECT_EQ(KeysBehind(sections)[2], 9u);
}

TEST(RequestCheck, RefusesKeysThatComeTwiceOrBelongElsewhere) {
  ServerState state(kOneServer, 0, PartsJob(), false, 0);
  RequestCheck check(&state);
  EXPECT_THAT(
      [&] {
        check.Sections(PullOf({7, 8, 7}, state.tables.size()), false);
      },
      ThrowsMessage<Error>(HasSubstr("pull from rank 1: key 7 of table ")));
  EXPECT_THAT([&] { check.Sections(PullOf({7}, state.tables.size() - 1), false); },
              ThrowsMessage<Error>(HasSubstr("pull from rank 1: ")));
  ServerState of_two({2, 2}, 1, PartsJob(), false, 0);
  RequestCheck check_of_two(&of_two);
  EXPECT_THAT(
      [&] {
        std::vector<Key> keys(100);
        for (size_t i = 0; i < keys.size(); ++i) keys[i] = i;
        check_of_two.Sections(PullOf(keys, of_two.tables.size()), false);
      },
      ThrowsMessage<Error>(HasSubstr("belongs to server 0")));
}

TEST(RequestCheck, KnowsRequestsThatCameBefore) {
  ServerState state(kOneServer, 0, PartsJob(), false, 0);
  RequestCheck check(&state);
  const size_t n_tables = state.tables.size();
  EXPECT_FALSE(check.IsRepeated(PullOf({}, n_tables, 3)));
  EXPECT_TRUE(check.IsRepeated(PullOf({}, n_tables, 3)));
  EXPECT_TRUE(check.IsRepeated(PullOf({}, n_tables, 2)));
  EXPECT_FALSE(check.IsRepeated(PullOf({}, n_tables, 4)));
  EXPECT_THROW(check.IsRepeated(PullOf({}, n_tables, 0)), Error);
}

TEST(PendingPulls, AreTakenByTheirPushAndBounded) {
  PendingPulls pending(2);
  EXPECT_EQ(pending.OldestStep(), table::Table::kNoneInUse);
  for (int i = 0; i < kMaxPullsInFlight; ++i) {
    const net::Frame pull =
        PullOf({}, 1, static_cast<uint64_t>(i) + 1, 50 - static_cast<uint64_t>(i));
    pending.CheckRoom(0, pull);
    PendingPull kept = pending.New(/*version=*/9);
    kept.request = PullOf({}, 1, static_cast<uint64_t>(i) + 1, 50 - static_cast<uint64_t>(i));
    pending.Add(0, std::move(kept));
  }
  EXPECT_EQ(pending.size(), kMaxPullsInFlight);
  EXPECT_EQ(pending.OldestStep(), 50u - kMaxPullsInFlight + 1);
  EXPECT_THROW(pending.CheckRoom(0, PullOf({}, 1)), Error);
  EXPECT_NO_THROW(pending.CheckRoom(1, PullOf({}, 1)));
  const net::Frame push = PushOf({});
  const PendingPull taken = pending.Take(0, 1, push);
  EXPECT_EQ(taken.step(), 50u);
  EXPECT_EQ(taken.version, 9u);
  EXPECT_THAT(
      [&] { pending.Take(0, 1, push); },
      ThrowsMessage<Error>("push from rank 1: answers pull 1, which is not waiting for one"));
  EXPECT_THROW(pending.Take(1, 2, push), Error);
}

/// An endpoint that keeps what is sent.
class KeepingEndpoint : public net::Endpoint {
 public:
  int rank() const override { return 0; }
  int n_ranks() const override { return kOneServer.n_ranks(); }
  std::string host() const override { return "here"; }
  double Now() const override { return 0; }
  bool TimeIsVirtual() const override { return true; }
  void Send(int, net::Frame frame) override { sent.push_back(std::move(frame)); }
  std::optional<net::Frame> Poll() override { return std::nullopt; }
  std::optional<net::Frame> Receive(double) override { return std::nullopt; }
  bool Flush(double) override { return true; }
  void NoteWaitingFor(const char*) override {}

  std::vector<net::Frame> sent;
};

/// What GradientCheck says of a push of one row.
bool IsRefused(double max_gradient, const std::string& folder, float gradient,
               ServerReport* report) {
  const Job job = PartsJob(max_gradient);
  ServerState state(kOneServer, 0, job, false, 0);
  PushGradients gradients(&state.tables);
  KeepingEndpoint endpoint;
  net::Mailbox mailbox(&endpoint, 10);
  GradientCheck check(job, folder, &mailbox, &state, &gradients);
  PendingPull pull;
  pull.request = PullOf({7}, state.tables.size());
  pull.rows.resize(1);
  const net::Frame push = PushOf({1, gradient});
  EXPECT_EQ(gradients.Bytes(pull), kPartsDim * sizeof(float));
  const bool is_refused = check.Refuses(pull, push);
  *report = state.report;
  return is_refused;
}

TEST(GradientCheck, RefusesNonFiniteAndTooLargeGradients) {
  testing::TempFolder folder;
  const std::string dumps = folder.Path("poisoned");
  ServerReport report;
  EXPECT_FALSE(IsRefused(0, dumps, table::kMaxGradient, &report));
  EXPECT_TRUE(report.non_finite.empty());
  EXPECT_FALSE(IsRefused(2, dumps, -2, &report));
  EXPECT_FALSE(std::filesystem::exists(dumps));
  EXPECT_TRUE(IsRefused(0, "", std::numeric_limits<float>::infinity(), &report));
  EXPECT_TRUE(IsRefused(0, "", -std::numeric_limits<float>::quiet_NaN(), &report));
  EXPECT_TRUE(IsRefused(2, dumps, -2.5f, &report));
  ASSERT_EQ(report.non_finite.size(), 1u);
  EXPECT_EQ(report.non_finite[0].rank, 1);
  EXPECT_THAT(testing::ReadFile(dumps + "/server-0-rank-1-push-1.tsv"), HasSubstr("\t7\t1\t-2.5"));
}

TEST(GradientCheck, WritesLittleOfALargePush) {
  constexpr size_t kRows = 20'000;
  std::vector<Key> keys(kRows);
  std::iota(keys.begin(), keys.end(), Key{0});
  std::vector<float> numbers(kRows * kPartsDim, 1);
  numbers[15'000 * kPartsDim + 1] = NAN;
  std::fill_n(numbers.begin() + 16'000 * kPartsDim, 4'000, -INFINITY);
  testing::TempFolder folder(testing::TempFolder::kInMemory);
  const Job job = PartsJob();
  ServerState state(kOneServer, 0, job, false, 0);
  PushGradients gradients(&state.tables);
  KeepingEndpoint endpoint;
  net::Mailbox mailbox(&endpoint, 10);
  GradientCheck check(job, folder.Path("poisoned"), &mailbox, &state, &gradients);
  PendingPull pull;
  pull.request = PullOf(keys, state.tables.size());
  pull.rows.resize(kRows);
  EXPECT_TRUE(check.Refuses(pull, PushOf(numbers)));
  const std::string dump = testing::ReadFile(folder.Path("poisoned/server-0-rank-1-push-1.tsv"));
  EXPECT_THAT(dump, HasSubstr("\nusers\t4999\t1\t1\n"
                              "# table users: 5000 of 20000 rows; 1000 of 4001 refused numbers, "
                              "with key and position:\n"
                              "# users\t15000\t1\tnan\n"
                              "# users\t16000\t0\t-inf\n"));
  EXPECT_EQ(std::count(dump.begin(), dump.end(), '\n'), 1 + 5'000 + 1 + 1'000);
}

TEST(GradientCheck, RefusesThoughNothingCanBeWritten) {
  testing::TempFolder folder;
  folder.Write("full", "");
  ServerReport report;
  EXPECT_TRUE(IsRefused(2, folder.Path("full/poisoned"), 3, &report)) << "no folder can be made";
  ASSERT_EQ(report.non_finite.size(), 1u);
  EXPECT_EQ(report.non_finite[0].n_pushes, 1);
  const std::string dumps = folder.Path("poisoned");
  WatchFiles([&](const FileStep& step) {
    if (step.kind == FileStep::kWrite || step.kind == FileStep::kSync)
      throw FileError(step.path + ": the disk is full");
  });
  EXPECT_TRUE(IsRefused(2, dumps, 3, &report));
  WatchFiles({});
  EXPECT_EQ(report.non_finite.size(), 1u);
  EXPECT_TRUE(std::filesystem::is_empty(dumps));
}

TEST(GradientCheck, RefusesWhatOptimizersCannotTake) {
  for (const auto& kind : testing::ExampleOptimizers()) {
    for (const int staleness : {0, 4, -1}) {
      for (const uint32_t n_slices : {1u, 4u}) {
        SCOPED_TRACE(::testing::Message() << testing::NameOf(kind) << " at staleness " << staleness
                                          << ", " << n_slices << " slices");
        Job job = PartsJob();
        *job.mutable_table(0)->mutable_optimizer() = kind;
        job.mutable_train()->set_staleness(staleness);
        ServerState state(kOneServer, 0, job, false, 0);
        PushGradients gradients(&state.tables);
        KeepingEndpoint endpoint;
        net::Mailbox mailbox(&endpoint, 10);
        GradientCheck check(job, "", &mailbox, &state, &gradients);
        PendingPull pull;
        pull.request = PullOf({7}, state.tables.size());
        pull.rows.resize(1);
        // The gradients of a synchronous step are summed before they are applied.
        const float most = table::kMaxGradient / static_cast<float>(staleness == 0 ? n_slices : 1);
        EXPECT_FALSE(check.Refuses(pull, PushOf({most, -most}, n_slices)));
        EXPECT_TRUE(state.report.non_finite.empty());
        for (const float over : {std::nextafter(most, INFINITY), 2e19f, 3e38f}) {
          EXPECT_TRUE(check.Refuses(pull, PushOf({1, -over}, n_slices)));
          EXPECT_TRUE(check.Refuses(pull, PushOf({over, 1}, n_slices)));
        }
        ASSERT_EQ(state.report.non_finite.size(), 1u);
        EXPECT_EQ(state.report.non_finite[0].n_pushes, 6);
      }
    }
  }
}

/// A frame of a worker's slice of step 0: its first push, with the gradients of a pull's row.
net::Frame SliceOf(int worker, uint64_t pull_id, uint32_t slice, std::vector<float> gradients) {
  net::Frame frame = PushOf(gradients);
  const PushPrelude prelude = {pull_id, /*sequence=*/1, slice, /*n_slices=*/2};
  std::memcpy(frame.payload().data(), &prelude, sizeof(prelude));
  frame.Arrived(kOneServer.RankOfWorker(worker));
  return frame;
}

TEST(PullsAndPushes, OfASynchronousStepAreAnsweredWhenTheStepBeforeIsComplete) {
  Job job = PartsJob();
  job.mutable_table(0)->mutable_optimizer()->mutable_sgd()->set_learning_rate(1);
  job.mutable_table(0)->mutable_init()->mutable_zero();
  job.mutable_train()->set_staleness(0);
  KeepingEndpoint endpoint;
  net::Mailbox mailbox(&endpoint, 10);
  ServerState state(kOneServer, 0, job, false, 0);
  const size_t n_tables = state.tables.size();
  Replies replies(&mailbox, &state);
  RequestCheck check(&state);
  PendingPulls pending(2);
  PushGradients gradients(&state.tables);
  GradientCheck gradient_check(job, "", &mailbox, &state, &gradients);
  Pulls pulls(&state, &replies, &check, &pending);
  Pushes pushes(&state, &replies, &pending, &gradients, &gradient_check, 0);

  pulls.OnPull(PullOf({7}, n_tables, 1));
  ASSERT_EQ(endpoint.sent.size(), 1u);
  pulls.OnPull(PullOf({7}, n_tables, 2, /*step=*/1));
  EXPECT_EQ(endpoint.sent.size(), 1u) << "step 0 is not complete";
  EXPECT_EQ(pulls.n_deferred(), 1);
  EXPECT_TRUE(pulls.MayWaitFor(kOneServer.RankOfWorker(1)));
  EXPECT_FALSE(pulls.MayWaitFor(kOneServer.RankOfWorker(0)));
  pulls.OnPull(PullOf({7}, n_tables, 1));
  EXPECT_EQ(state.report.n_repeated_pulls, 1);

  EXPECT_FALSE(pushes.OnPush(SliceOf(0, 1, /*slice=*/1, {1, 2})));
  EXPECT_EQ(pushes.n_gathering(), 1);
  EXPECT_TRUE(pushes.OnPush(SliceOf(1, 0, /*slice=*/0, {})));
  EXPECT_EQ(pushes.n_gathering(), 0);
  EXPECT_EQ(state.report.n_applied_pushes, 2);
  EXPECT_FALSE(pushes.OnPush(SliceOf(1, 0, 0, {})));
  EXPECT_EQ(state.report.n_repeated_pushes, 1);

  pulls.AnswerDeferred();
  EXPECT_EQ(pulls.n_deferred(), 0);
  const net::Frame& answer = endpoint.sent.back();
  ASSERT_EQ(answer.kind(), net::FrameKind::kPullReply);
  const auto* weights =
      reinterpret_cast<const float*>(answer.payload().data() + sizeof(ReplyPrelude));
  EXPECT_EQ(weights[0], -1);
  EXPECT_EQ(weights[1], -2);
}

TEST(Saves, StayInsideTheOutputFolder) {
  testing::TempFolder folder;
  const std::string inside = folder.Path("models");
  EXPECT_TRUE(IsInside(inside + "/rows.bin", inside));
  EXPECT_TRUE(IsInside(inside + "/a/../rows.bin", inside));
  EXPECT_FALSE(IsInside(inside, inside));
  EXPECT_FALSE(IsInside(inside + "/../rows.bin", inside));
  EXPECT_FALSE(IsInside(inside + "-2/rows.bin", inside));
  EXPECT_FALSE(IsInside("", inside));
  EXPECT_FALSE(IsInside(inside + "/rows.bin", ""));
  std::filesystem::create_directory(inside);
  std::filesystem::create_directory_symlink(folder.Path(), inside + "/out");
  EXPECT_FALSE(IsInside(inside + "/out/rows.bin", inside));
}

}  // namespace
}  // namespace zhiyin::ps::server
