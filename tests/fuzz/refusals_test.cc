// What a rank says of a message that no honest rank sends: what is wrong, and whose it is.
#include <gmock/gmock.h>

#include <cstring>
#include <filesystem>
#include <limits>

#include "common/error.h"
#include "launch/rank/fingerprint.h"
#include "launch/rank/handshake.h"
#include "ps/client/client.h"
#include "ps/server/server.h"
#include "tests/fuzz/conversation.h"
#include "tests/fuzz/script.h"
#include "tests/support/exact_sums.h"
#include "tests/support/example_jobs.h"
#include "tests/support/files.h"
#include "worker/train/block_results.h"
#include "worker/train/data_pass.h"
#include "worker/train/epoch_sums.h"
#include "worker/train/progress.h"

namespace zhiyin::fuzz {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing::SumsOf;

constexpr int kServer = 0;
constexpr int kOtherServer = 1;
constexpr int kChief = 2;
constexpr int kOtherWorker = 3;

std::string ErrorOf(const std::function<void()>& parse) {
  try {
    parse();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

net::Frame From(int source, net::Frame frame) {
  frame.Arrived(source);
  return frame;
}

template <typename... Frames>
std::vector<net::Frame> List(Frames... frames) {
  std::vector<net::Frame> list;
  (list.push_back(std::move(frames)), ...);
  return list;
}

/// Runs `body` at a rank at which these messages arrive; returns the Error that leaves it.
std::string ErrorAt(int rank, std::vector<net::Frame> arriving,
                    const std::function<void(net::Mailbox*)>& body) {
  ScriptedEndpoint endpoint(rank, kRoles.n_ranks(), std::move(arriving));
  net::Mailbox mailbox(&endpoint, 1);
  return ErrorOf([&] { body(&mailbox); });
}

std::string ServerError(int staleness, std::vector<net::Frame> arriving) {
  return ErrorAt(kServer, std::move(arriving), [&](net::Mailbox* mailbox) {
    ps::server::Server(mailbox, kRoles, SmallJob(staleness)).Run();
  });
}

/// A worker's first push, of one slice and of no rows.
net::Frame Push(int source, uint64_t step, uint32_t slice, uint32_t n_slices) {
  net::Frame frame(net::FrameKind::kPush, 1, step, sizeof(ps::PushPrelude));
  ps::PushPrelude prelude;
  prelude.sequence = 1;
  prelude.slice = slice;
  prelude.n_slices = n_slices;
  std::memcpy(frame.payload().data(), &prelude, sizeof(prelude));
  return From(source, std::move(frame));
}

TEST(Refusals, OfAHeaderThatAnnouncesTooMuch) {
  net::Frame frame(net::FrameKind::kPush, 0, 0, 0);
  reinterpret_cast<net::FrameHeader*>(frame.bytes().data())->payload_bytes = net::kMaxFrameBytes;
  EXPECT_EQ(
      ErrorOf([&] { frame.Arrived(3); }),
      "message from rank 3: push announces 1099511627776 bytes, expected less than 1099511627776");
}

TEST(Refusals, OfAFailureThatSaysNothing) {
  EXPECT_EQ(
      ErrorAt(0, List(From(3, net::Frame(net::FrameKind::kAbort, 0, 0, 0))),
              [](net::Mailbox* mailbox) { mailbox->Await({net::FrameKind::kPull}, "a pull"); }),
      "abort from rank 3: it failed and does not say why");
}

class RefusalsAtStaleness : public ::testing::TestWithParam<int> {};

TEST_P(RefusalsAtStaleness, OfASliceTwice) {
  EXPECT_EQ(ServerError(GetParam(), List(Push(kChief, 0, 1, 3), Push(kOtherWorker, 0, 1, 3))),
            "push from rank 3: slice 1 of step 0 came twice");
}

TEST_P(RefusalsAtStaleness, OfAStepThatIsComplete) {
  EXPECT_THAT(ServerError(GetParam(), List(Push(kChief, 0, 0, 1), Push(kOtherWorker, 0, 0, 1))),
              StartsWith("push from rank 3: step 0, expected 1 to "));
}

TEST_P(RefusalsAtStaleness, OfAStepFarAhead) {
  EXPECT_THAT(ServerError(GetParam(), List(Push(kOtherWorker, 1000, 0, 1))),
              StartsWith("push from rank 3: step 1000, expected 0 to "));
}

TEST_P(RefusalsAtStaleness, OfAnotherNumberOfSlices) {
  EXPECT_EQ(
      ServerError(GetParam(), List(Push(kChief, 0, 0, 2), Push(kOtherWorker, 1, 0, 4000000000u))),
      "push from rank 3: a step of 4000000000 slices, others say 2");
}

TEST_P(RefusalsAtStaleness, OfMorePullsThanMayWait) {
  std::vector<net::Frame> pulls;
  for (int i = 0; i <= 2 * ps::kMaxPullsInFlight; ++i)
    pulls.push_back(
        From(kChief, net::Frame(net::FrameKind::kPull, static_cast<uint64_t>(i) + 1, 1000, 0)));
  EXPECT_EQ(ServerError(GetParam(), std::move(pulls)),
            "pull from rank 2: 64 pulls wait for an earlier step already");
}

INSTANTIATE_TEST_SUITE_P(Staleness, RefusalsAtStaleness, ::testing::Values(0, 1));

TEST(Refusals, OfAPushThatFollowsALostOne) {
  net::Frame push = Push(kOtherWorker, 0, 0, 1);
  ps::PushPrelude prelude;
  prelude.sequence = 3;
  prelude.n_slices = 1;
  std::memcpy(push.payload().data(), &prelude, sizeof(prelude));
  EXPECT_EQ(ServerError(0, List(std::move(push))),
            "push from rank 3: number 3, expected 1: one was lost");
}

TEST(Refusals, OfAPullWithoutANumber) {
  EXPECT_EQ(ServerError(0, List(From(kChief, net::Frame(net::FrameKind::kPull, 0, 0, 0)))),
            "pull from rank 2: request 0, expected at least 1");
}

TEST(Refusals, OfAPushWhosePullIsLongGone) {
  const auto pull_of_nothing = [] {
    net::Frame pull(net::FrameKind::kPull, 5, 0, 3 * sizeof(ps::Section));
    const ps::Section sections[] = {{0, 0, 0}, {1, 0, 0}, {2, 0, 0}};
    std::memcpy(pull.payload().data(), sections, sizeof(sections));
    return From(kChief, std::move(pull));
  };
  const auto push = [](uint64_t sequence) {
    net::Frame frame = Push(kChief, 0, 0, 1);
    const ps::PushPrelude prelude = {5, sequence, 0, 1};
    std::memcpy(frame.payload().data(), &prelude, sizeof(prelude));
    return frame;
  };
  EXPECT_EQ(ServerError(-1, List(pull_of_nothing(), push(1), push(2))),
            "push from rank 2: answers pull 5, which is not waiting for one");
}

TEST(Refusals, OfASaveThatIsNotTheChiefs) {
  EXPECT_EQ(
      ServerError(0, List(From(kOtherWorker, net::Frame(net::FrameKind::kSave, 1, 0, "rows.bin")))),
      "save from rank 3, expected one from the chief, rank 2");
}

TEST(Refusals, OfASaveOutsideTheOutputFolder) {
  const testing::TempFolder folder;
  std::filesystem::create_directories(folder.Path("out/link"));
  std::filesystem::create_directory_symlink(folder.Path(), folder.Path("out/away"));
  const std::string out = folder.Path("out");
  const auto error = [&](const std::string& path, const std::string& output) {
    return ErrorAt(kServer, List(From(kChief, net::Frame(net::FrameKind::kSave, 1, 0, path))),
                   [&](net::Mailbox* mailbox) {
                     ps::server::Server(mailbox, kRoles, SmallJob(0), output).Run();
                   });
  };
  for (const std::string& path :
       {std::string("/tmp/rows.bin"), out, out + "/", out + "/..", out + "/../rows.bin",
        out + "er/rows.bin", out + "/away/rows.bin", std::string(), std::string("rows\0.bin", 9)}) {
    EXPECT_THAT(error(path, out), ::testing::AllOf(StartsWith("save from rank 2: a file "),
                                                   HasSubstr(", expected one inside " + out)))
        << path;
  }
  EXPECT_THAT(error(out + "/rows.bin", ""),
              HasSubstr("an output folder, which this job does not have"));
  error(out + "/link/rows.bin", out);  // then the script ends
  EXPECT_TRUE(std::filesystem::exists(out + "/link/rows.bin"));
}

TEST(Refusals, OfAKeyTwice) {
  const ps::Section sections[] = {{0, 0, 2}, {1, 0, 0}, {2, 0, 0}};
  const Key keys[] = {0, 0};
  net::Frame pull(net::FrameKind::kPull, 1, 0, sizeof(sections) + sizeof(keys));
  std::memcpy(pull.payload().data(), sections, sizeof(sections));
  std::memcpy(pull.payload().data() + sizeof(sections), keys, sizeof(keys));
  EXPECT_EQ(ServerError(0, List(From(kChief, std::move(pull)))),
            "pull from rank 2: key 0 of table dense comes twice");
}

TEST(Refusals, OfAServersRequestToAServer) {
  EXPECT_EQ(ServerError(0, List(Push(kOtherServer, 0, 0, 1))),
            "push from rank 1, which is a server, expected one from a worker");
}

/// Assigns a row of server 0's and waits for the reply.
std::string AssignError(std::vector<net::Frame> arriving) {
  return ErrorAt(kChief, std::move(arriving), [](net::Mailbox* mailbox) {
    ps::client::Client(mailbox, kRoles, SmallJob(0))
        .Assign(kDenseTable, std::vector<Key>{0}, std::vector<float>(kDenseRowDim));
  });
}

TEST(Refusals, OfARepliesSender) {
  EXPECT_EQ(
      AssignError(List(From(kOtherWorker, net::Frame(net::FrameKind::kAssignReply, 1, 0, 0)))),
      "assign reply from rank 3, which is a worker, expected one from a server");
  EXPECT_EQ(
      AssignError(List(From(kOtherServer, net::Frame(net::FrameKind::kAssignReply, 1, 0, 0)))),
      "assign reply from rank 1: answers request 1, which is not waiting for one");
}

/// Pulls row 0 of the dense table, which is server 0's.
std::string PullError(std::vector<net::Frame> arriving) {
  return ErrorAt(kChief, std::move(arriving), [](net::Mailbox* mailbox) {
    ps::client::Client client(mailbox, kRoles, SmallJob(0));
    const std::vector<Key> keys{0};
    std::vector<float> weights(kDenseRowDim);
    ps::client::Exchange exchange;
    exchange.parts.resize(3);
    exchange.parts[kDenseTable] = {keys, true, weights.data(), nullptr};
    client.PullStart(&exchange);
    client.PullFinish(&exchange);
  });
}

TEST(Refusals, OfAReplyThatNobodyWaitsFor) {
  EXPECT_EQ(PullError(List(From(kServer, net::Frame(net::FrameKind::kPullReply, 77, 0, 0)))),
            "pull reply from rank 0: answers pull 77, which is not waiting for one");
  // Nothing was asked of server 1; where that is so, a client keeps pull 0.
  EXPECT_EQ(PullError(List(From(kOtherServer, net::Frame(net::FrameKind::kPullReply, 0, 0, 0)))),
            "pull reply from rank 1: answers pull 0, which is not waiting for one");
  EXPECT_EQ(PullError(List(From(kServer, net::Frame(net::FrameKind::kPushReply, 2, 0, 0)))),
            "push reply from rank 0: acknowledges push 2, which is not waiting for one");
}

TEST(Refusals, OfRowsOfAnotherDimension) {
  EXPECT_EQ(PullError(List(From(kServer, net::Frame(net::FrameKind::kPullReply, 1, 0,
                                                    sizeof(ps::ReplyPrelude) + 8)))),
            "pull reply from rank 0: 24 bytes, expected 4112");
}

/// Asks for the counts of both servers; `first` is what the first says.
std::string ReportError(const ps::ServerReport& first) {
  return ErrorAt(
      kChief,
      List(From(kServer, net::Frame(net::FrameKind::kReportReply, 1, 0, first.Serialize()))),
      [](net::Mailbox* mailbox) { ps::client::Client(mailbox, kRoles, SmallJob(0)).Report(); });
}

TEST(Refusals, OfCountsThatCannotBe) {
  ps::ServerReport report;
  report.n_pulled_keys = -1;
  EXPECT_THAT(ReportError(report),
              StartsWith("rank 0: report of a server: a count of -1, expected"));
  report.n_pulled_keys = 1;
  EXPECT_EQ(ReportError(report), "report reply from rank 0: counts of 0 tables, expected 3");
}

/// Two workers gather, the chief's side.
std::string GatherError(std::vector<net::Frame> arriving) {
  return ErrorAt(kChief, std::move(arriving), [](net::Mailbox* mailbox) {
    worker::train::Group group(mailbox, kRoles);
    group.Gather("", "the first parts");
    group.Gather("", "the second parts");
  });
}

TEST(Refusals, OfAGathering) {
  EXPECT_EQ(GatherError(List(From(kServer, net::Frame(net::FrameKind::kGather, 1, 0, 0)))),
            "gather from rank 0, which is a server, expected one from a worker");
  EXPECT_EQ(GatherError(List(From(kOtherWorker, net::Frame(net::FrameKind::kGather, 1, 0, 0)),
                             From(kOtherWorker, net::Frame(net::FrameKind::kGather, 2, 0, 0)))),
            "gather from rank 3: call 0, expected at least 1");
  EXPECT_EQ(GatherError(List(From(kOtherWorker, net::Frame(net::FrameKind::kGather, 1, 1, 0)),
                             From(kOtherWorker, net::Frame(net::FrameKind::kGather, 2, 1, 0)),
                             From(kOtherWorker, net::Frame(net::FrameKind::kGather, 3, 0, 0)))),
            "gather from rank 3: call 1 came twice");
}

TEST(Refusals, OfABroadcast) {
  const auto error = [](int source, uint64_t call) {
    return ErrorAt(kOtherWorker,
                   List(From(source, net::Frame(net::FrameKind::kBroadcast, 1, call, 0))),
                   [](net::Mailbox* mailbox) {
                     worker::train::Group(mailbox, kRoles).Broadcast("", "a decision");
                   });
  };
  EXPECT_EQ(error(kServer, 0), "broadcast from rank 0, expected one from the chief, rank 2");
  EXPECT_EQ(error(kChief, 5), "broadcast from rank 2: call 5, expected 0");
}

TEST(Refusals, OfWhatNoWorkerSends) {
  EXPECT_EQ(ErrorAt(kChief, List(From(kServer, net::Frame(net::FrameKind::kExamples, 1, 0, 0))),
                    [](net::Mailbox* mailbox) {
                      worker::train::Group(mailbox, kRoles).Receive(1, "its examples");
                    }),
            "examples from rank 0, which is a server, expected one from a worker");
}

TEST(Refusals, OfFindingsOfAnotherJob) {
  worker::data::SplitFindings findings;
  findings.records.Append(1, 0);
  const std::string bytes = findings.Serialize();
  EXPECT_EQ(
      ErrorAt(kChief, List(From(kOtherWorker, net::Frame(net::FrameKind::kGather, 1, 0, bytes))),
              [](net::Mailbox* mailbox) {
                worker::train::Group group(mailbox, kRoles);
                worker::train::ShareFindings({}, SmallJob(0), worker::data::SplitKind::kTrain,
                                             &group, /*sees_files=*/true);
              }),
      "rank 3: findings of a pass: 0 numerics and 0 tasks, expected 2 and 2");
}

TEST(Refusals, OfFindingsWithLinesThatNobodyFound) {
  worker::data::SplitFindings findings;
  worker::data::Examples rows(0, 2, 2);
  findings.summary.Add(rows);
  findings.records.SkipTo(256);
  findings.records.Append(1, 0);
  const std::string bytes = findings.Serialize();
  EXPECT_EQ(
      ErrorAt(kChief, List(From(kOtherWorker, net::Frame(net::FrameKind::kGather, 1, 0, bytes))),
              [](net::Mailbox* mailbox) {
                worker::train::Group group(mailbox, kRoles);
                worker::train::ShareFindings({}, SmallJob(0), worker::data::SplitKind::kTrain,
                                             &group, /*sees_files=*/true);
              }),
      "data.train: one worker found no lines from line 0 of the split on, another found line 256: "
      "expected files that stay as they are");
}

TEST(Refusals, OfATally) {
  worker::train::EpochTally tally;
  EXPECT_EQ(ErrorOf([&] { worker::train::EpochTally::Parse(tally.Serialize(), 2); }),
            "progress of a worker: 0 tasks, expected 2");
  tally.n_rows = -1;
  EXPECT_THAT(ErrorOf([&] { worker::train::EpochTally::Parse(tally.Serialize(), 0); }),
              HasSubstr("-1 rows"));
}

TEST(Refusals, OfSumsOfAnEpoch) {
  const worker::train::SumsShape shape = {.n_slices = 2, .n_tasks = 1, .n_balance = 0};
  const auto sums_of = [&](int64_t slice, double n_labels) {
    worker::train::EpochSums sums(shape);
    if (slice >= 0)
      sums.Add(slice, std::vector<worker::model::TaskSums>{{n_labels, 1, 0, 0, 0, 0, 0}}, {});
    return sums;
  };
  const auto error = [&](const worker::train::EpochSums& part) {
    return ErrorOf([&] {
      worker::train::EpochSums all = sums_of(0, 1);
      all.Merge(worker::train::EpochSums::Parse(part.Serialize(), shape, 6));
      all.CheckWhole();
    });
  };
  EXPECT_EQ(error(sums_of(1, 1)), "");
  EXPECT_EQ(error(sums_of(1, 7)), "sums of an epoch: task 0 has 7 labels, expected 0 to 6");
  EXPECT_EQ(error(sums_of(0, 1)), "sums of an epoch: slice 0 was taken twice");
  EXPECT_EQ(error(sums_of(-1, 0)), "sums of an epoch: slice 1 was taken by nobody");
  worker::train::EpochSums larger({.n_slices = 3, .n_tasks = 1, .n_balance = 0});
  EXPECT_THAT(error(larger), HasSubstr("a number that is too large"));
  worker::train::EpochSums wider({.n_slices = 2, .n_tasks = 2, .n_balance = 0});
  EXPECT_THAT(error(wider), HasSubstr("not the last"));
  EXPECT_THAT(ErrorOf([&] {
                worker::train::EpochSums sums({.n_slices = 2, .n_tasks = 1, .n_balance = 1});
                sums.Add(0, std::vector<worker::model::TaskSums>(1),
                         std::vector<double>{std::numeric_limits<double>::infinity()});
              }),
              HasSubstr("a number of a slice is inf, expected a finite one"));
}

TEST(Refusals, OfAnEvaluationsResults) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  worker::train::BlockResults results(1);
  results.Add(7, {{1}, {0.5f}, {}, SumsOf({0.7})});
  EXPECT_THAT(ErrorOf([&] {
                results.Add(7, {{1}, {0.5f}, {}, SumsOf({0.7})});
              }),
              HasSubstr("block 7 came twice"));
  EXPECT_THAT(ErrorOf([&] {
                results.Add(8, {{1, 0}, {0.5f}, {}, SumsOf({0.7})});
              }),
              HasSubstr("block 8 has 2 labels, 1 predictions, 0 weights and 1 losses"));
  EXPECT_THAT(ErrorOf([&] {
                results.Add(9, {{1}, {kNan}, {}, SumsOf({0.7})});
              }),
              HasSubstr("the prediction of a label is nan"));
  EXPECT_THAT(ErrorOf([&] {
                results.Add(9, {{1}, {0.5f}, {1}, SumsOf({0.7})});
              }),
              HasSubstr("block 9 has weights or has none, unlike those before it"));
  EXPECT_THAT(ErrorOf([&] {
                worker::train::BlockResults(1).Add(9, {{1}, {0.5f}, {-1}, SumsOf({0.7})});
              }),
              HasSubstr("a weight is -1, expected 0 or more"));
  EXPECT_THAT(ErrorOf([&] {
                worker::train::BlockResults(1).Add(9, {{1}, {0.5f}, {}, SumsOf({0.7}), {3, 4}});
              }),
              HasSubstr("block 9 has 2 groups and 1 labels"));
  EXPECT_THAT(ErrorOf([&] {
                results.Add(9, {{1}, {0.5f}, {}, SumsOf({0.7}), {3}});
              }),
              HasSubstr("block 9 has groups or has none, unlike those before it"));
}

TEST(Refusals, OfAHandshakeReply) {
  const auto error = [](int source, launch::rank::Command command, std::string_view bytes) {
    const net::Frame reply = From(source, net::Frame(net::FrameKind::kHandshakeReply, 1, 0, bytes));
    return ErrorOf([&] { launch::rank::ParseHandshakeReply(reply, command, kRoles); });
  };
  launch::rank::HandshakeReply reply{{"a", "b", "c", "d"}, {}};
  *reply.start.manifest.mutable_job() = SmallJob(0);
  const std::string good = launch::rank::SerializeHandshakeReply(reply);
  EXPECT_EQ(error(0, launch::rank::Command::kTrain, good), "");
  EXPECT_EQ(error(1, launch::rank::Command::kTrain, good),
            "configuration from rank 1: expected it from rank 0");
  EXPECT_EQ(error(0, launch::rank::Command::kTrain, good + "x"),
            "configuration from rank 0: bytes behind the manifest, expected none");
  EXPECT_THAT(error(0, launch::rank::Command::kTrain, "nonsense"),
              HasSubstr("configuration from rank 0: ends at byte 8, but "));
  EXPECT_THAT(error(0, launch::rank::Command::kEvaluate, good),
              HasSubstr("configuration from rank 0: no model, expected its folder"));
  reply.start.rows = "/models/a";
  EXPECT_THAT(
      error(0, launch::rank::Command::kEvaluate, launch::rank::SerializeHandshakeReply(reply)),
      HasSubstr("configuration from rank 0: format version 0"));
  reply.start.rows.clear();
  reply.start.manifest.mutable_job()->mutable_table(0)->set_dim(0);
  EXPECT_THAT(error(0, launch::rank::Command::kTrain, launch::rank::SerializeHandshakeReply(reply)),
              HasSubstr(": table[users].dim: is 0, expected 1 to 4096"));
  reply.hosts.pop_back();  // what is there in its place is no manifest
  EXPECT_THAT(error(0, launch::rank::Command::kTrain, launch::rank::SerializeHandshakeReply(reply)),
              HasSubstr("configuration from rank 0: "));
}

TEST(Refusals, OfAHandshake) {
  const auto error = [](std::vector<net::Frame> arriving) {
    return ErrorAt(0, std::move(arriving),
                   [](net::Mailbox* mailbox) { launch::rank::AwaitHandshakes(mailbox); });
  };
  const auto handshake = [](int source, const std::string& text) {
    return From(source, net::Frame(net::FrameKind::kHandshake, 1, 0, text));
  };
  const std::string good = launch::rank::Fingerprint() + "\nnode-b";
  EXPECT_EQ(error(List(handshake(1, good), handshake(2, good), handshake(3, good))), "");
  EXPECT_EQ(error(List(handshake(1, good), handshake(1, good))),
            "handshake from rank 1: came twice");
  EXPECT_EQ(error(List(handshake(2, "reply"))),
            "handshake from rank 2: 5 bytes, expected a build and a host");
  EXPECT_EQ(error(List(handshake(2, "zhiyin 9\n" + std::string(2000, 'x')))),
            "handshake from rank 2: 2009 bytes, expected a build and a host");
  EXPECT_EQ(error(List(handshake(3, "zhiyin 9\nnode-c"))),
            "rank 3 on node-c runs zhiyin 9, rank 0 on scripted runs " +
                launch::rank::Fingerprint() + ": expected the same build on all hosts");
}

}  // namespace
}  // namespace zhiyin::fuzz
