// Jobs whose ranks crash, whose files are damaged, and which are resumed, in any order.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "common/error.h"
#include "common/file.h"
#include "common/random.h"
#include "tests/sim/simulated_job.h"
#include "tests/support/example_jobs.h"
#include "tests/support/files.h"
#include "worker/saved/checkpoints.h"

namespace zhiyin::testing {
namespace {

using ::testing::HasSubstr;

Job SavedJob(Random* random) {
  Job job = ExampleJob("mmoe { n_experts: 2 expert: 4 tower: 3 }", 3);
  job.mutable_data()->mutable_train()->set_n_rows(300);
  job.mutable_data()->mutable_test()->set_n_rows(100);
  job.mutable_train()->set_batch_size(32);
  job.mutable_train()->set_epochs(2);
  job.mutable_train()->set_staleness(0);
  zhiyin::Checkpoint* checkpoint = job.mutable_train()->mutable_checkpoint();
  checkpoint->set_every_steps(1 + static_cast<int>(random->Below(3)));
  checkpoint->set_full_every(1 + static_cast<int>(random->Below(4)));
  checkpoint->set_keep(1 + static_cast<int>(random->Below(3)));
  return job;
}

/// The checkpoints that can be loaded, by their folders.
std::set<std::string> Readable(const std::string& output) {
  std::set<std::string> readable;
  for (const std::string& folder : worker::saved::FindCheckpoints(output)) {
    try {
      worker::saved::VerifyModel(folder);
      readable.insert(folder);
    } catch (const Error&) {
    }
  }
  return readable;
}

/// Flips a bit, cuts the end off, zeroes a block, or removes the file.
void DamageFile(const std::string& path, Random* random) {
  std::string bytes = ReadFile(path);
  const uint64_t kind = random->Below(4);
  if (kind == 0 || bytes.empty()) {
    std::filesystem::remove(path);
    return;
  }
  const size_t at = static_cast<size_t>(random->Below(bytes.size()));
  if (kind == 1) bytes[at] = static_cast<char>(bytes[at] ^ (1 << random->Below(8)));
  if (kind == 2) bytes.resize(at);
  if (kind == 3)
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                std::min<size_t>(512, bytes.size() - at), '\0');
  ReplaceFile(path, bytes);
}

/// Damages a file of one of the checkpoints.
void DamageOne(const std::string& output, Random* random) {
  const std::vector<std::string> folders = worker::saved::FindCheckpoints(output);
  if (folders.empty()) return;
  std::vector<std::string> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(folders[random->Below(folders.size())]))
    files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
  if (!files.empty()) DamageFile(files[random->Below(files.size())], random);
}

/// A history of one job: runs that are stopped or crash, damages, and resumes on other ranks.
class History {
 public:
  explicit History(uint64_t seed) : random_(seed), job_(SavedJob(&random_)) {
    whole_ = RunJob(job_, 1, 2, 1);
    run_ = {job_, 1, 1, {}};
    run_.output = folder_.Path("out");
  }

  void Live() {
    const int n_runs = 2 + static_cast<int>(random_.Below(4));
    for (int run = 0; run < n_runs && !done_; ++run) {
      Run(/*to_its_end=*/false);
      if (!done_ && random_.Below(3) != 0) DamageOne(run_.output, &random_);
    }
    if (!done_) Run(/*to_its_end=*/true);
  }

 private:
  void Run(bool to_its_end) {
    const std::set<std::string> before = Readable(run_.output);
    const bool has_any = !worker::saved::FindCheckpoints(run_.output).empty();
    // A job that would begin anew replaces what is there: that is refused where all is damaged.
    run_.resume = has_any;
    if (has_any && before.empty()) {
      EXPECT_THAT(Simulate(run_).error(), HasSubstr("checkpoints is whole"));
      std::filesystem::remove_all(run_.output);
      run_.resume = false;
    } else if (!has_any) {
      std::filesystem::remove_all(run_.output);
    }
    run_.n_servers = 1 + static_cast<int>(random_.Below(3));
    run_.n_workers = 1 + static_cast<int>(random_.Below(2));
    run_.network.crashes.clear();
    run_.stop_requested = {};
    if (!to_its_end && random_.Below(2) == 0) {
      const uint64_t n = random_.Below(16);
      run_.stop_requested = [n, n_asked = uint64_t{0}]() mutable { return n_asked++ >= n; };
    } else if (!to_its_end) {
      const int rank = static_cast<int>(random_.Below(static_cast<uint64_t>(run_.n_ranks())));
      run_.network.crashes = {
          {rank, static_cast<int64_t>(1e9 * whole_.now_s * 1.5 * random_.Uniform())}};
    }
    const Outcome outcome = Simulate(run_);
    done_ = outcome.exit_code == 0 && outcome.crashed.empty();
    if (run_.resume && !before.empty() && (done_ || !outcome.summary.empty())) {
      const std::string step = before.rbegin()->substr(before.rbegin()->rfind('-') + 1);
      EXPECT_EQ(outcome.summary["resumed_at_step"], std::stoll(step));
    }
    const std::set<std::string> after = Readable(run_.output);
    // What is gone made room for newer ones that can be read.
    if (!before.empty()) {
      ASSERT_FALSE(after.empty());
      EXPECT_GE(*after.rbegin(), *before.rbegin());
    }
    const size_t keep = static_cast<size_t>(job_.train().checkpoint().keep());
    EXPECT_GE(after.size(), std::min(keep, before.size()));
    if (!done_) return;
    EXPECT_EQ(outcome.metrics, whole_.metrics);
    for (const char* key : {"train_loss", "test_loss", "tasks", "steps", "samples"})
      EXPECT_EQ(outcome.summary[key], whole_.summary[key]) << key;
  }

  Random random_;
  Job job_;
  Outcome whole_;
  TempFolder folder_{TempFolder::kInMemory};
  SimulatedJob run_;
  bool done_ = false;
};

class Histories : public ::testing::TestWithParam<uint64_t> {};

TEST_P(Histories, OfCrashesAndDamagesEndInTheBitsOfTheWholeJob) {
  for (uint64_t seed = 10 * GetParam(); seed < 10 * GetParam() + 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    History(seed).Live();
  }
}

INSTANTIATE_TEST_SUITE_P(Part, Histories, ::testing::Values(uint64_t{0}));
INSTANTIATE_TEST_SUITE_P(ThoroughPart, Histories, ::testing::Range(uint64_t{1}, uint64_t{10}));

}  // namespace
}  // namespace zhiyin::testing
