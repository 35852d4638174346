#include "tests/sim/drawn_job.h"

#include <cmath>
#include <iterator>

#include "common/random.h"
#include "launch/job/load_job.h"
#include "tests/support/example_jobs.h"

namespace zhiyin::testing {
namespace {

/// Synchronous jobs are drawn from so many, so that their references are few.
constexpr uint64_t kSynchronousJobs = 24;
/// Of the seeds, one in so many runs twice.
constexpr uint64_t kTwiceEvery = 16;
/// Between a worker and a server beside pulls and pushes: the configuration, first values, reports,
/// signs of life.
constexpr int64_t kControlBytes = 1 << 16;

bool Chance(Random* random, double probability) {
  return random->Uniform() < probability;
}

int64_t Between(Random* random, int64_t least, int64_t most) {
  return least + static_cast<int64_t>(random->Below(static_cast<uint64_t>(most - least + 1)));
}

/// From `least` to `most`, each power of two as likely as another.
int64_t Logarithmic(Random* random, double least, double most) {
  return static_cast<int64_t>(least * std::pow(most / least, random->Uniform()));
}

void DrawTable(bool synchronous, Random* random, Table* table) {
  constexpr NumberType kTypes[] = {FP32, FP32, FP16, BF16};
  table->set_storage(kTypes[random->Below(std::size(kTypes))]);
  table->set_wire(kTypes[random->Below(std::size(kTypes))]);
  switch (random->Below(6)) {
    case 0:
      table->mutable_admission()->mutable_exact()->set_sightings(2);
      table->mutable_admission()->mutable_exact()->set_max_candidates(1024);
      break;
    case 1:
      table->mutable_admission()->mutable_counting_bloom()->set_sightings(3);
      table->mutable_admission()->mutable_counting_bloom()->set_bytes(3 * 4096);
      break;
    case 2:
      table->mutable_admission()->set_probability(0.5);
      break;
    default:
      break;
  }
  int64_t least_ttl = 1;
  if (!synchronous && Chance(random, 0.3)) {
    const int64_t refresh_steps = Between(random, 2, 6);
    table->mutable_hot_keys()->set_rows(Between(random, 1, 32));
    table->mutable_hot_keys()->set_refresh_steps(static_cast<int>(refresh_steps));
    least_ttl = refresh_steps + 1;  // a copied row is pulled no more often
  }
  if (Chance(random, 0.3)) {
    Eviction* eviction = table->mutable_eviction();
    eviction->set_ttl_steps(least_ttl + Between(random, 0, 3));
    eviction->set_min_pulls(Between(random, 0, table->hot_keys().rows() > 0 ? 1 : 3));
    if (Chance(random, 0.5)) eviction->set_min_norm(0.02);
    eviction->set_sweep_steps(static_cast<int>(Between(random, 1, 5)));
  }
}

Job DrawConfiguration(int staleness, Random random) {
  struct Shape {
    const char* model;
    int dim;
  };
  constexpr Shape kModels[] = {{"linear {}", 2},
                               {"shared_bottom { bottom: 4 tower: 3 }", 3},
                               {"mmoe { n_experts: 2 expert: 4 tower: 3 }", 3}};
  const Shape& shape = kModels[random.Below(std::size(kModels))];
  Job job = ExampleJob(shape.model, shape.dim);
  job.mutable_data()->mutable_train()->set_n_rows(
      Logarithmic(&random, Chance(&random, 0.1) ? 1 : 200, 2000));
  job.mutable_data()->mutable_test()->set_n_rows(Logarithmic(&random, 1, 600));
  if (Chance(&random, 0.1)) job.mutable_data()->clear_test();
  if (Chance(&random, 0.2)) job.mutable_data()->set_shuffle_rows(256);
  for (Table& table : *job.mutable_table()) DrawTable(staleness == 0, &random, &table);
  Train* train = job.mutable_train();
  train->set_staleness(staleness);
  train->set_epochs(static_cast<int>(Between(&random, 1, 3)));
  train->set_slices(static_cast<int>(6 + 3 * random.Below(3)));  // at least as many as workers
  train->set_batch_size(static_cast<int>(Between(&random, 1, 8)) * train->slices());
  train->set_prefetch(Chance(&random, 0.7));
  if (Chance(&random, 0.1)) train->set_max_gradient(0.01);
  train->set_seed(random.Below(1000));
  if (!Chance(&random, 0.25)) return job;
  // Narrow layers are not rounded.
  train->set_compute(Train::BF16);
  return Widened(job, 6);
}

net::SimOptions DrawNetwork(int n_ranks, Random* random) {
  net::SimOptions options;
  options.seed = random->Next();
  const auto time = [&] { return Logarithmic(random, 1e3, 1e7); };  // 1 us to 10 ms
  switch (random->Below(3)) {
    case 0:
      options.delay.least_ns = time();
      options.delay.most_ns = options.delay.least_ns + time();
      break;
    case 1:
      options.delay = {net::SimOptions::Delay::Kind::kExponential, 0, 0, time()};
      break;
    default:
      options.delay = {net::SimOptions::Delay::Kind::kHeavyTailed, time() / 10 + 1, 0, 0};
      break;
  }
  options.work_ns = Logarithmic(random, 1e2, 1e5);
  if (Chance(random, 0.3)) options.queue_frames = Between(random, 1, 6);
  if (Chance(random, 0.2)) options.queue_bytes = Logarithmic(random, 32, 1 << 16);
  const auto any_rank = [&] {
    return static_cast<int>(random->Below(static_cast<uint64_t>(n_ranks)));
  };
  const auto at = [&] { return Logarithmic(random, 1e5, 1e9); };
  for (int rank = 0; rank < n_ranks; ++rank) {
    if (Chance(random, 0.1))
      options.slow.push_back({rank, static_cast<double>(Between(random, 2, 100))});
  }
  while (Chance(random, 0.3))
    options.pauses.push_back({any_rank(), at(), Logarithmic(random, 1e6, 5e9)});
  while (Chance(random, 0.2)) {
    const int a = any_rank();
    const int b = any_rank();
    if (a != b) options.downs.push_back({a, b, at(), Logarithmic(random, 1e6, 5e9)});
  }
  return options;
}

}  // namespace

SimulatedJob DrawJob(uint64_t seed) {
  Random random(seed);
  const int staleness = Chance(&random, 0.35) ? 0
                                              : static_cast<int>(Between(&random, 0, 4)) -
                                                    (Chance(&random, 0.4) ? 5 : 0);
  SimulatedJob drawn;
  const int bound = std::max(staleness, -1);
  drawn.job = DrawConfiguration(
      bound, Random(bound == 0 ? random.Below(kSynchronousJobs) : random.Next(), 1));
  drawn.n_servers = static_cast<int>(Between(&random, 1, 5));
  drawn.n_workers = static_cast<int>(Between(&random, 1, 6));
  // Reports of progress are half of what a small job does.
  if (Chance(&random, 0.1)) drawn.progress = worker::train::ProgressStyle::kLog;
  drawn.network = DrawNetwork(drawn.n_ranks(), &random);
  return drawn;
}

std::string Replay(uint64_t seed) {
  const SimulatedJob drawn = DrawJob(seed);
  return "seed " + std::to_string(seed) + ", again by: sim_seeds --first=" + std::to_string(seed) +
         " --seeds=1\n" + drawn.Describe() + "\n" + drawn.job.ShortDebugString() + "\n";
}

std::string Judge(const SimulatedJob& job, const Outcome& outcome) {
  if (outcome.exit_code != 0) return "the job failed: " + outcome.error();
  if (!outcome.errors.empty()) return "the job ended well, but said: " + outcome.error();
  const size_t n_invariants = job.job.train().staleness() < 0 ? 7 : 8;
  if (outcome.summary["invariants"].size() != n_invariants)
    return "invariants checked: " + outcome.summary["invariants"].dump();
  if (outcome.n_left != 0) return std::to_string(outcome.n_left) + " frames were left behind";
  int64_t bound = kControlBytes;
  for (const worker::train::Json& in_flight : outcome.summary["in_flight"])
    bound = std::max(bound, kControlBytes + in_flight["bound_bytes"].get<int64_t>());
  if (outcome.peak_bytes > bound)
    return std::to_string(outcome.peak_bytes) + " bytes were under way, expected at most " +
           std::to_string(bound);
  int64_t n_pushes = 0;
  for (const worker::train::Json& n : outcome.summary["staleness"]) n_pushes += n.get<int64_t>();
  if (n_pushes > outcome.summary["pushes_sent"])
    return "the histogram of staleness counts " + std::to_string(n_pushes) +
           " pushes, more than there were";
  return "";
}

Outcome Checker::Reference(const Job& job) {
  const std::string text = launch::job::JobToText(job);
  {
    const std::lock_guard lock(mutex_);
    const auto known = references_.find(text);
    if (known != references_.end()) return known->second;
  }
  const Outcome outcome = RunJob(job, 1, 1, 1);
  const std::lock_guard lock(mutex_);
  return references_.emplace(text, outcome).first->second;
}

std::string Checker::Complaint(uint64_t seed) {
  const SimulatedJob drawn = DrawJob(seed);
  const Outcome outcome = Simulate(drawn);
  if (const std::string wrong = Judge(drawn, outcome); !wrong.empty()) return wrong;
  if (seed % kTwiceEvery == 0) {
    const Outcome again = Simulate(drawn);
    if (again.trace != outcome.trace || again.metrics != outcome.metrics)
      return "another run of the same seed differs";
  }
  if (drawn.job.train().staleness() != 0) return "";
  const Outcome reference = Reference(drawn.job);
  if (reference.exit_code != 0) return "the same job as 1x1 failed: " + reference.error();
  // A server refuses its own part of a push: what the others apply depends on how many there are.
  for (const Outcome* run : {&reference, &outcome}) {
    if (!run->summary["pushes_poisoned"].empty()) return "";
  }
  if (reference.metrics != outcome.metrics) return "metrics differ from those of 1x1";
  for (const char* key :
       {"train_loss", "test_loss", "tasks", "samples", "steps", "keys_pulled", "keys_pushed"}) {
    if (reference.summary[key] != outcome.summary[key])
      return std::string(key) + " is " + outcome.summary[key].dump() + ", with 1x1 " +
             reference.summary[key].dump();
  }
  return "";
}

std::string Checker::Check(uint64_t seed) {
  const std::string complaint = Complaint(seed);
  return complaint.empty() ? "" : complaint + "\n" + Replay(seed);
}

}  // namespace zhiyin::testing
