#include "worker/model/nn/team.h"

#include <glog/logging.h>

namespace zhiyin::worker::model::nn {
namespace {

thread_local Team* current_team = nullptr;

/// How often a thread polls for work before it sleeps: products follow each other closely, and
/// waking up takes longer than most of the gaps between them.
constexpr int kLooks = 2000;

template <typename Done>
bool LookUntil(const Done& done) {
  for (int look = 0; look < kLooks; ++look) {
    if (done()) return true;
    __builtin_ia32_pause();
  }
  return false;
}

}  // namespace

Team* Team::Current() {
  return current_team;
}

Team::Team(int n_threads) {
  CHECK(current_team == nullptr);
  current_team = this;
  for (int i = 1; i < n_threads; ++i) others_.emplace_back([this] { Work(); });
}

Team::~Team() {
  current_team = nullptr;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
}

void Team::Run(int64_t n_parts, const std::function<void(int64_t)>& part) {
  const auto round = std::make_shared<Round>();
  round->part = &part;
  round->n_parts = n_parts;
  {
    const std::lock_guard lock(mutex_);
    round_ = round;
    ++n_rounds_;
  }
  changed_.notify_all();
  TakeParts(round.get());
  while (!LookUntil([&] { return round->n_done == n_parts; })) std::this_thread::yield();
}

void Team::TakeParts(Round* round) {
  for (int64_t i = round->next++; i < round->n_parts; i = round->next++) {
    (*round->part)(i);
    ++round->n_done;
  }
}

void Team::Work() {
  int64_t n_seen = 0;
  const auto has_news = [&] { return ending_ || n_rounds_ != n_seen; };
  while (true) {
    LookUntil(has_news);
    std::shared_ptr<Round> round;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, has_news);
      if (ending_) return;
      n_seen = n_rounds_;
      round = round_;
    }
    TakeParts(round.get());
  }
}

}  // namespace zhiyin::worker::model::nn
