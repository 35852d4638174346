#include "ps/server/server.h"

#include <glog/logging.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <limits>
#include <sstream>
#include <thread>

#include "common/bytes.h"
#include "common/file.h"
#include "common/text.h"
#include "ps/partitioner.h"

namespace zhiyin::ps::server {
namespace {

/// Steps that a server may hear of before it has completed the one in hand. Workers have a bounded
/// number of pushes in flight, so none is honestly further ahead.
constexpr uint64_t kMaxStepsAhead = 64;

const PushPrelude& PreludeOf(const net::Frame& push) {
  if (push.payload().size() < sizeof(PushPrelude)) {
    Fail("push from rank ", push.source(), ": ", push.payload().size(),
         " bytes, expected at least ", sizeof(PushPrelude));
  }
  return *reinterpret_cast<const PushPrelude*>(push.payload().data());
}

const Key* KeysBehind(std::span<const Section> sections) {
  return reinterpret_cast<const Key*>(sections.data() + sections.size());
}

/// Whether all of these are finite and at most `limit` in absolute value. The order of the bits of
/// floats without their sign is that of their values, infinities and NaNs last.
bool AreWithin(const float* values, size_t n, float limit) {
  uint32_t largest = 0;
  for (size_t i = 0; i < n; ++i)
    largest = std::max(largest, std::bit_cast<uint32_t>(values[i]) & 0x7fffffffu);
  return largest <= std::bit_cast<uint32_t>(limit);
}

/// Whether a path, links followed, leads to something inside a folder.
bool IsInside(const std::string& path, const std::string& folder) {
  if (path.empty() || folder.empty() || path.find('\0') != std::string::npos) return false;
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::weakly_canonical(path, error);
  if (error) return false;
  const std::filesystem::path outer =
      std::filesystem::weakly_canonical(folder, error);  // may be gone
  if (error) return false;
  const auto [in_outer, in_whole] =
      std::mismatch(outer.begin(), outer.end(), whole.begin(), whole.end());
  return in_outer == outer.end() && in_whole != whole.end() && !in_whole->empty();
}

/// Steps beyond do not fit into a row's RowUse.
constexpr uint64_t kMaxStep = 0xfffffffe;
/// Rows that have changed since a save began are kept as they were, in so many bytes, or a quarter
/// of the tables'.
constexpr int64_t kMinKeptBytes = int64_t{256} << 20;
/// How long an idle server leaves the disk alone.
constexpr std::chrono::microseconds kDiskPoll(100);
/// Refused pushes that are written out, at most.
constexpr int kMaxDumps = 10;

}  // namespace

Server::Server(net::Mailbox* mailbox, const net::RoleMap& roles, const Job& job,
               const std::string& output_folder, bool profile, uint64_t first_step)
    : mailbox_(mailbox),
      roles_(roles),
      stages_(profile, ServerStage::kOther),
      tables_(table::EmptyTables(job)),
      clock_(job.train().staleness(), job.train().staleness() < 0 ? 0 : first_step),
      leases_(job.train().seed(), roles.n_workers),
      max_gradient_(job.train().max_gradient() > 0 ? static_cast<float>(job.train().max_gradient())
                                                   : std::numeric_limits<float>::max()),
      output_folder_(output_folder),
      dump_folder_(output_folder.empty() ? "" : output_folder + "/poisoned") {
  sums_.resize(tables_.size());
  pending_.resize(static_cast<size_t>(roles.n_workers));
  last_sequence_.resize(static_cast<size_t>(roles.n_workers));
  last_request_.resize(static_cast<size_t>(roles.n_workers));
  latest_step_.resize(static_cast<size_t>(roles.n_workers), first_step);
  report_.staleness.resize(ServerReport::kStalenessBins);
  report_.traffic.resize(static_cast<size_t>(roles.n_servers));
}

bool Server::Run() {
  while (true) {
    stages_.Enter(ServerStage::kWait);
    net::Frame frame = NextRequest();
    stages_.Enter(ServerStage::kOther);
    if (frame.kind() == net::FrameKind::kShutdown) return frame.header().clock == 0;
    CountTraffic(frame);
    Handle(std::move(frame));
    // Requests may come so fast that there is no moment without one.
    if (saver_) GoOnSaving();
  }
}

net::Frame Server::NextRequest() {
  const std::initializer_list<net::FrameKind> kinds = {
      net::FrameKind::kPull,   net::FrameKind::kPeek,    net::FrameKind::kPush,
      net::FrameKind::kAssign, net::FrameKind::kLease,   net::FrameKind::kSave,
      net::FrameKind::kReport, net::FrameKind::kShutdown};
  while (saver_) {
    if (std::optional<net::Frame> frame = mailbox_->Take(kinds)) return std::move(*frame);
    mailbox_->SendHeartbeat();
    if (!GoOnSaving()) std::this_thread::sleep_for(kDiskPoll);
  }
  // Pulls that wait for an earlier step wait for the workers that have not come so far.
  const net::AwaitedRanks behind = [this](int rank) {
    return !deferred_.empty() && !roles_.IsServer(rank) &&
           std::none_of(deferred_.begin(), deferred_.end(),
                        [&](const net::Frame& f) { return f.source() == rank; });
  };
  return mailbox_->Await(kinds, "requests", behind);
}

void Server::CountTraffic(const net::Frame& frame) {
  report_.traffic[static_cast<size_t>(roles_.ServerOfRank(mailbox_->endpoint().rank()))] +=
      static_cast<int64_t>(frame.bytes().size());
}

void Server::Reply(int to, net::Frame frame) {
  const ScopedStage stage(&stages_, ServerStage::kSend);
  CountTraffic(frame);
  mailbox_->Send(to, std::move(frame));
}

void Server::Handle(net::Frame frame) {
  if (roles_.IsServer(frame.source())) {
    Fail(net::NameOf(frame.kind()), " from rank ", frame.source(),
         ", which is a server, expected one from a worker");
  }
  switch (frame.kind()) {
    case net::FrameKind::kPull:
      return OnPull(std::move(frame));
    case net::FrameKind::kPeek:
      if (!IsRepeated(frame)) AnswerPeek(frame);
      return;
    case net::FrameKind::kPush:
      return OnPush(std::move(frame));
    case net::FrameKind::kAssign:
      return OnAssign(frame);
    case net::FrameKind::kLease:
      return OnLease(frame);
    case net::FrameKind::kSave:
      return OnSave(frame);
    case net::FrameKind::kReport:
      return OnReport(frame);
    default:
      LOG(FATAL) << "Run awaited a " << net::NameOf(frame.kind()) << " that nobody handles";
  }
}

std::span<const Section> Server::CheckSections(const net::Frame& frame, bool one_section) {
  const ScopedStage stage(&stages_, ServerStage::kCheck);
  const auto where = [&] {
    return std::string(net::NameOf(frame.kind())) + " from rank " + std::to_string(frame.source());
  };
  const uint64_t n_bytes = frame.payload().size();
  const auto* first = reinterpret_cast<const Section*>(frame.payload().data());
  const uint64_t n_sections = one_section ? 1 : tables_.size();
  if (n_bytes < n_sections * sizeof(Section)) {
    Fail(where(), ": ", n_bytes, " bytes, expected at least ", n_sections, " sections of ",
         sizeof(Section));
  }
  const std::span<const Section> sections(first, n_sections);
  uint64_t expected = n_sections * sizeof(Section);
  for (uint64_t s = 0; s < n_sections; ++s) {
    const Section& section = sections[s];
    if (section.table >= tables_.size() || (!one_section && section.table != s)) {
      Fail(where(), ": section ", s, " is about table ", section.table, " of ", tables_.size());
    }
    if (section.n_keys > n_bytes / sizeof(Key))
      Fail(where(), ": announces ", section.n_keys, " keys in ", n_bytes, " bytes");
    expected += section.n_keys * sizeof(Key);
    if (one_section)
      expected +=
          section.n_keys * sizeof(float) * static_cast<uint64_t>(tables_[section.table].dim());
  }
  if (n_bytes != expected) Fail(where(), ": ", n_bytes, " bytes, expected ", expected);
  const Key* key = KeysBehind(sections);
  for (const Section& section : sections) {
    const std::span<const Key> keys(key, section.n_keys);
    const size_t repeated = repeats_.Find(keys);
    if (repeated != keys.size()) {
      Fail(where(), ": key ", keys[repeated], " of table ", tables_[section.table].name(),
           " comes twice");
    }
    for (uint64_t i = 0; i < section.n_keys; ++i, ++key) {
      const int owner = ServerOf(section.table, *key, roles_.n_servers);
      if (owner != roles_.ServerOfRank(mailbox_->endpoint().rank())) {
        Fail(where(), ": key ", *key, " of table ", tables_[section.table].name(),
             " belongs to server ", owner);
      }
    }
  }
  return sections;
}

std::span<const Section> Server::SectionsOf(const net::Frame& frame) const {
  return {reinterpret_cast<const Section*>(frame.payload().data()), tables_.size()};
}

/// The first has been answered or will be: whoever asked waits for one reply, and a second pull of
/// the same id would wait for a push that never comes.
bool Server::IsRepeated(const net::Frame& frame) {
  const uint64_t id = frame.header().request_id;
  if (id == 0) Fail(net::NameOf(frame), ": request 0, expected at least 1");
  uint64_t& last = last_request_[static_cast<size_t>(roles_.WorkerOfRank(frame.source()))];
  if (id <= last) {
    ++report_.n_repeated_pulls;
    return true;
  }
  last = id;
  return false;
}

void Server::OnPull(net::Frame frame) {
  if (!IsRepeated(frame)) AnswerOrDefer(std::move(frame));
}

void Server::AnswerOrDefer(net::Frame frame) {
  const uint64_t step = frame.header().clock;
  if (step > kMaxStep)
    Fail("pull from rank ", frame.source(), ": step ", step, ", expected at most ", kMaxStep);
  if (clock_.staleness() == 0 && step < clock_.n_complete()) {
    Fail("pull from rank ", frame.source(), ": step ", step, " is complete, expected ",
         clock_.n_complete(), " or later");
  }
  if (!clock_.MayAnswer(frame.header().clock)) {
    const size_t n_max = kMaxPullsInFlight * pending_.size();
    if (deferred_.size() >= n_max)
      Fail("pull from rank ", frame.source(), ": ", n_max,
           " pulls wait for an earlier step already");
    deferred_.push_back(std::move(frame));
    return;
  }
  AnswerPull(std::move(frame));
}

Server::PendingPull Server::NewPendingPull() {
  if (spare_.empty()) return {};
  PendingPull pull = std::move(spare_.back());
  spare_.pop_back();
  pull.rows.clear();
  pull.request = net::Frame();
  return pull;
}

net::Frame Server::ReadRows(const net::Frame& frame, std::vector<std::byte*>* rows) {
  const std::span<const Section> sections = CheckSections(frame, false);
  size_t n_keys = 0;
  size_t n_bytes = sizeof(ReplyPrelude);
  for (const Section& section : sections) {
    n_keys += section.n_keys;
    const table::TableSpec& spec = tables_[section.table].spec();
    if (section.flags & kFetch)
      n_bytes += WireBytes(spec.wire, section.n_keys * static_cast<size_t>(spec.dim));
  }
  rows->resize(n_keys);
  net::Frame reply(net::FrameKind::kPullReply, frame.header().request_id, frame.header().clock,
                   n_bytes);
  ReplyPrelude prelude{clock_.n_complete(), frame.header().request_id};
  std::byte* to = reply.payload().data() + sizeof(prelude);
  const Key* key = KeysBehind(sections);
  std::byte** row = rows->data();
  for (const Section& section : sections) {
    table::Table& table = tables_[section.table];
    const std::span<const Key> keys(key, section.n_keys);
    const std::span<std::byte*> own(row, section.n_keys);
    for (const Key k : keys) prelude.key_sum += KeySum(section.table, k);
    stages_.Enter(ServerStage::kLookUp);
    if (frame.kind() == net::FrameKind::kPull) {
      table.FindOrCreate(keys, frame.header().clock, own);
    } else {
      table.Find(keys, own);
    }
    key += section.n_keys;
    row += section.n_keys;
    if (!(section.flags & kFetch)) continue;
    stages_.Enter(ServerStage::kRead);
    table.ReadWeights(own, table.spec().wire, to);
    to += WireBytes(table.spec().wire, section.n_keys * static_cast<size_t>(table.dim()));
  }
  stages_.Enter(ServerStage::kOther);
  std::memcpy(reply.payload().data(), &prelude, sizeof(prelude));
  return reply;
}

void Server::AnswerPeek(const net::Frame& frame) {
  Reply(frame.source(), ReadRows(frame, &peeked_rows_));
  report_.n_peeked_keys += static_cast<int64_t>(peeked_rows_.size());
}

void Server::AnswerPull(net::Frame frame) {
  const int source = frame.source();
  auto& pending = pending_[static_cast<size_t>(roles_.WorkerOfRank(source))];
  if (pending.size() >= kMaxPullsInFlight) {
    Fail("pull from rank ", source, ": ", pending.size(), " pulls wait for their push, at most ",
         kMaxPullsInFlight, " are allowed");
  }
  PendingPull pull = NewPendingPull();
  pull.version = version_;
  Reply(source, ReadRows(frame, &pull.rows));
  report_.n_pulled_keys += static_cast<int64_t>(pull.rows.size());
  // A gradient of staleness 0 is applied to the weights that it was computed with.
  if (clock_.staleness() != 0) {
    pull.weights.resize(tables_.size());
    std::byte* const* row = pull.rows.data();
    for (const Section& section : SectionsOf(frame)) {
      const table::Table& table = tables_[section.table];
      if (table.WantsPulledWeights()) {
        std::vector<float>& weights = pull.weights[section.table];
        weights.resize(section.n_keys * static_cast<size_t>(table.dim()));
        table.ReadWeights({row, section.n_keys}, FP32, weights.data());
      }
      row += section.n_keys;
    }
  }
  pull.request = std::move(frame);
  pending.push_back(std::move(pull));
}

Server::PendingPull Server::TakePendingPull(const net::Frame& push, uint64_t id) {
  if (id == 0) {  // nothing was pulled from here
    PendingPull none = NewPendingPull();
    none.version = version_;
    return none;
  }
  auto& pending = pending_[static_cast<size_t>(roles_.WorkerOfRank(push.source()))];
  const auto it = std::find_if(pending.begin(), pending.end(),
                               [&](const PendingPull& p) { return p.id() == id; });
  if (it == pending.end())
    Fail("push from rank ", push.source(), ": answers pull ", id, ", which is not waiting for one");
  PendingPull pull = std::move(*it);
  pending.erase(it);
  return pull;
}

size_t Server::GradientBytes(const PendingPull& pull) const {
  if (pull.request.bytes().empty()) return 0;
  size_t n = 0;
  for (const Section& section : SectionsOf(pull.request)) {
    const table::TableSpec& spec = tables_[section.table].spec();
    n += WireBytes(spec.wire, section.n_keys * static_cast<size_t>(spec.dim));
  }
  return n;
}

template <typename Visit>
void Server::ForEachSection(const PendingPull& pull, const net::Frame& push, const Visit& visit) {
  if (pull.rows.empty()) return;
  const std::byte* from = push.payload().data() + sizeof(PushPrelude);
  std::byte* const* row = pull.rows.data();
  for (const Section& section : SectionsOf(pull.request)) {
    table::Table& table = tables_[section.table];
    const NumberType wire = table.spec().wire;
    const size_t n = section.n_keys * static_cast<size_t>(table.dim());
    const float* gradients = reinterpret_cast<const float*>(from);
    if (wire != FP32) {
      widened_.resize(n);
      ToFloats(wire, from, n, widened_.data());
      gradients = widened_.data();
    }
    const bool has_weights =
        section.table < pull.weights.size() && !pull.weights[section.table].empty();
    visit(table, std::span(row, section.n_keys), gradients,
          has_weights ? pull.weights[section.table].data() : nullptr);
    row += section.n_keys;
    from += WireBytes(wire, n);
  }
}

bool Server::HasNonFinite(const PendingPull& pull, const net::Frame& push) {
  const ScopedStage stage(&stages_, ServerStage::kCheck);
  bool non_finite = false;
  ForEachSection(
      pull, push, [&](const table::Table& table, auto rows, const float* gradients, const float*) {
        if (AreWithin(gradients, rows.size() * static_cast<size_t>(table.dim()), max_gradient_))
          return;
        non_finite = true;
        report_.CountNonFinite(push.source(), table.name(), 1);
      });
  return non_finite;
}

void Server::DumpNonFinite(const PendingPull& pull, const net::Frame& push) {
  if (n_dumped_ == kMaxDumps) return;
  ++n_dumped_;
  const int server = roles_.ServerOfRank(mailbox_->endpoint().rank());
  const std::string name = "server-" + std::to_string(server) + "-rank-" +
                           std::to_string(push.source()) + "-push-" +
                           std::to_string(PreludeOf(push).sequence) + ".tsv";
  LOG(WARNING) << "refused a push of step " << push.header().clock << " from rank " << push.source()
               << ": a gradient is not finite or above " << max_gradient_
               << (dump_folder_.empty() ? "" : ", see " + dump_folder_ + "/" + name);
  if (dump_folder_.empty()) return;
  std::ostringstream text;
  text.precision(9);  // tells all floats apart
  text << "table\tkey\tgradient\n";
  const Key* key = KeysBehind(SectionsOf(pull.request));
  ForEachSection(pull, push,
                 [&](const table::Table& table, auto rows, const float* gradients, const float*) {
                   for (size_t i = 0; i < rows.size(); ++i) {
                     text << table.name() << '\t' << *key++;
                     for (int d = 0; d < table.dim(); ++d) text << '\t' << *gradients++;
                     text << '\n';
                   }
                 });
  std::filesystem::create_directories(dump_folder_);
  ReplaceFile(dump_folder_ + "/" + name, text.str());
}

void Server::OnPush(net::Frame frame) {
  const PushPrelude prelude = PreludeOf(frame);
  const uint64_t step = frame.header().clock;
  const int source = frame.source();
  uint64_t& last = last_sequence_[static_cast<size_t>(roles_.WorkerOfRank(source))];
  if (prelude.sequence <= last) {
    ++report_.n_repeated_pushes;
    Reply(source, net::Frame(net::FrameKind::kPushReply, frame.header().request_id, step, 0));
    return;
  }
  if (prelude.sequence != last + 1)
    Fail("push from rank ", source, ": number ", prelude.sequence, ", expected ", last + 1,
         ": one was lost");
  last = prelude.sequence;

  PendingPull pull = TakePendingPull(frame, prelude.pull_id);
  if (prelude.pull_id != 0 && pull.request.header().clock != step) {
    Fail("push from rank ", source, ": step ", step, ", but its pull was of step ",
         pull.request.header().clock);
  }
  const size_t expected = sizeof(PushPrelude) + GradientBytes(pull);
  if (frame.payload().size() != expected) {
    Fail("push from rank ", source, ": ", frame.payload().size(), " bytes, expected ", expected);
  }
  CheckSlice(prelude, frame);
  if (HasNonFinite(pull, frame)) {
    DumpNonFinite(pull, frame);
    report_.n_refused_keys += static_cast<int64_t>(pull.rows.size());
    pull.rows.clear();
  }

  const uint64_t id = frame.header().request_id;
  if (clock_.staleness() == 0) {
    Gather(prelude, step, std::move(pull), std::move(frame));
  } else {
    ApplyPush(pull, frame);
    spare_.push_back(std::move(pull));
    uint64_t& latest = latest_step_[static_cast<size_t>(roles_.WorkerOfRank(source))];
    latest = std::max(latest, step);
    EndStep(SlowestStep(), OldestInUse());
  }
  Reply(source, net::Frame(net::FrameKind::kPushReply, id, step, 0));
  if (clock_.staleness() >= 0 && prelude.n_slices > 0 &&
      clock_.Pushed(step, prelude.slice, prelude.n_slices)) {
    AnswerDeferred();
  }
}

void Server::CheckSlice(const PushPrelude& prelude, const net::Frame& push) {
  const int source = push.source();
  if (prelude.n_slices == 0) {
    if (clock_.staleness() == 0)
      Fail("push from rank ", source, ": belongs to no step, which nothing does at staleness 0");
    return;
  }
  if (prelude.slice >= prelude.n_slices)
    Fail("push from rank ", source, ": slice ", prelude.slice, ", expected less than ",
         prelude.n_slices);
  if (n_slices_ == 0) n_slices_ = prelude.n_slices;
  if (prelude.n_slices != n_slices_) {
    Fail("push from rank ", source, ": a step of ", prelude.n_slices, " slices, others say ",
         n_slices_);
  }
  if (clock_.staleness() < 0) return;
  // A worker that needs no row of this server learns from the others that a step is complete, maybe
  // before this one does.
  const uint64_t step = push.header().clock;
  const uint64_t n_ahead = kMaxStepsAhead + static_cast<uint64_t>(clock_.staleness());
  if (step < clock_.n_complete() || step - clock_.n_complete() >= n_ahead) {
    Fail("push from rank ", source, ": step ", step, ", expected ", clock_.n_complete(), " to ",
         clock_.n_complete() + n_ahead - 1);
  }
  if (clock_.Has(step, prelude.slice))
    Fail("push from rank ", source, ": slice ", prelude.slice, " of step ", step, " came twice");
}

uint64_t Server::OldestInUse() const {
  uint64_t oldest = table::Table::kNoneInUse;
  for (const auto& pending : pending_) {
    for (const PendingPull& pull : pending) oldest = std::min(oldest, pull.request.header().clock);
  }
  return oldest;
}

uint64_t Server::SlowestStep() const {
  return *std::min_element(latest_step_.begin(), latest_step_.end());
}

void Server::EndStep(uint64_t step, uint64_t oldest_in_use) {
  const ScopedStage stage(&stages_, ServerStage::kTidy);
  for (table::Table& table : tables_) table.EndStep(step, oldest_in_use);
}

void Server::CountApplied(const PendingPull& pull) {
  report_.n_pushed_keys += static_cast<int64_t>(pull.rows.size());
  ++report_.staleness[std::min<size_t>(version_ - pull.version, ServerReport::kStalenessBins - 1)];
}

void Server::ApplyPush(const PendingPull& pull, const net::Frame& push) {
  ++report_.n_applied_pushes;
  if (pull.rows.empty()) return;
  const ScopedStage stage(&stages_, ServerStage::kUpdate);
  ForEachSection(pull, push,
                 [&](table::Table& table, auto rows, const float* gradients, const float* pulled) {
                   table.Apply(rows, gradients, pulled, push.header().clock);
                 });
  CountApplied(pull);
  ++version_;
}

void Server::Gather(const PushPrelude& prelude, uint64_t step, PendingPull pull, net::Frame push) {
  const size_t ahead = step - clock_.n_complete();
  if (gathering_.size() <= ahead) gathering_.resize(ahead + 1);
  gathering_[ahead][prelude.slice] = {std::move(pull), std::move(push)};
  for (uint64_t done = clock_.n_complete();
       !gathering_.empty() && gathering_.front().size() == n_slices_; ++done) {
    ApplyStep(done, &gathering_.front());
    gathering_.pop_front();
  }
}

void Server::ApplyStep(uint64_t step, WaitingStep* slices) {
  stages_.Enter(ServerStage::kSum);
  for (RowSum& sum : sums_) sum.Clear();
  report_.n_applied_pushes += static_cast<int64_t>(slices->size());
  for (const auto& [number, slice] : *slices) {
    ForEachSection(slice.pull, slice.push,
                   [&](const table::Table& table, auto rows, const float* gradients, const float*) {
                     sums_[table.spec().id].Add(rows, gradients, table.dim());
                   });
    if (!slice.pull.rows.empty()) CountApplied(slice.pull);
  }
  stages_.Enter(ServerStage::kUpdate);
  for (size_t t = 0; t < tables_.size(); ++t)
    tables_[t].Apply(sums_[t].rows(), sums_[t].sums(), /*pulled=*/nullptr, step);
  stages_.Enter(ServerStage::kOther);
  ++version_;
  for (auto& [number, slice] : *slices) spare_.push_back(std::move(slice.pull));
  // The pulls of later steps wait for this one.
  EndStep(step, table::Table::kNoneInUse);
}

void Server::AnswerDeferred() {
  for (size_t n = deferred_.size(); n > 0; --n) {
    net::Frame frame = std::move(deferred_.front());
    deferred_.pop_front();
    AnswerOrDefer(std::move(frame));
  }
}

void Server::OnAssign(const net::Frame& frame) {
  const Section section = CheckSections(frame, true)[0];
  table::Table& table = tables_[section.table];
  const Key* keys = reinterpret_cast<const Key*>(frame.payload().data() + sizeof(Section));
  const float* weights = reinterpret_cast<const float*>(keys + section.n_keys);
  std::vector<std::byte*> rows(section.n_keys);
  table.FindOrForce({keys, section.n_keys}, rows);
  table.WriteWeights(rows, weights);
  Reply(frame.source(), net::Frame(net::FrameKind::kAssignReply, frame.header().request_id, 0, 0));
}

void Server::OnLease(const net::Frame& frame) {
  const int source = frame.source();
  if (roles_.ServerOfRank(mailbox_->endpoint().rank()) != 0)
    Fail(net::NameOf(frame), ": expected it at server 0, which keeps the books");
  const std::string reply =
      FromRank(source, [&] { return leases_.Answer(roles_.WorkerOfRank(source), frame.text()); });
  Reply(source, net::Frame(net::FrameKind::kLeaseReply, frame.header().request_id, 0, reply));
}

void Server::OnSave(const net::Frame& frame) {
  if (frame.source() != roles_.ChiefRank())
    Fail(net::NameOf(frame), ", expected one from the chief, rank ", roles_.ChiefRank());
  const std::string path(frame.text());
  if (!IsInside(path, output_folder_)) {
    Fail(
        net::NameOf(frame), ": a file ", Shortened(OneLine(path), 200), ", expected one inside ",
        output_folder_.empty() ? "an output folder, which this job does not have" : output_folder_);
  }
  if (saver_) Fail(net::NameOf(frame), ": the one before it is not done");
  if (frame.header().clock > static_cast<uint64_t>(SaveKind::kChanges))
    Fail(net::NameOf(frame), ": of kind ", frame.header().clock, ", expected 0 to ",
         static_cast<uint64_t>(SaveKind::kChanges));
  save_request_ = frame.header().request_id;
  Reply(frame.source(), net::Frame(net::FrameKind::kSaveCut, save_request_, 0, 0));
  try {
    // Simulated runs repeat exactly: one thread at a time.
    saver_ = std::make_unique<save::RowSaver>(
        path, static_cast<SaveKind>(frame.header().clock), &tables_,
        mailbox_->endpoint().TimeIsVirtual() ? Beside::kNobody : Beside::kThread);
  } catch (const FileError& e) {
    Reply(frame.source(), net::Frame(net::FrameKind::kSaveReply, save_request_, kSaveFailed,
                                     std::string_view(e.what())));
  }
}

bool Server::GoOnSaving() {
  const ScopedStage stage(&stages_, ServerStage::kOther);
  try {
    // Rather a pause than the memory of a second table.
    int64_t n_table_bytes = 0;
    for (const table::Table& table : tables_) n_table_bytes += table.n_bytes();
    const bool keeps_too_much = saver_->n_bytes_kept() > std::max(kMinKeptBytes, n_table_bytes / 4);
    do {
      if (!saver_->Advance(/*may_wait=*/keeps_too_much)) return false;
      if (keeps_too_much) mailbox_->SendHeartbeat();
    } while (keeps_too_much && !saver_->IsDone());
    if (!saver_->IsDone()) return true;
    const save::SavedRows saved = saver_->saved();
    saver_.reset();
    ByteWriter out;
    out.Put(saved.n_rows);
    out.Put(saved.n_bytes);
    out.Put(saved.digest);
    out.Put(uint64_t{saved.is_changes});
    Reply(roles_.ChiefRank(), net::Frame(net::FrameKind::kSaveReply, save_request_, 0, out.Take()));
  } catch (const FileError& e) {
    saver_.reset();
    Reply(roles_.ChiefRank(), net::Frame(net::FrameKind::kSaveReply, save_request_, kSaveFailed,
                                         std::string_view(e.what())));
  }
  return true;
}

void Server::OnReport(const net::Frame& frame) {
  report_.n_waiting = static_cast<int64_t>(deferred_.size());
  for (const auto& pending : pending_) report_.n_waiting += static_cast<int64_t>(pending.size());
  for (const WaitingStep& step : gathering_) report_.n_waiting += static_cast<int64_t>(step.size());
  report_.tables.clear();
  for (const table::Table& table : tables_)
    report_.tables.push_back({table.name(), table.n_rows(), table.n_bytes(), table.counts()});
  if (stages_.on()) {
    const auto& seconds = stages_.seconds();
    report_.stage_s.assign(seconds.begin(), seconds.end());
  }
  Reply(frame.source(), net::Frame(net::FrameKind::kReportReply, frame.header().request_id, 0,
                                   report_.Serialize()));
}

}  // namespace zhiyin::ps::server
