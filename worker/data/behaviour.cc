#include "worker/data/behaviour.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <tuple>

#include "common/error.h"
#include "common/random.h"
#include "common/text.h"
#include "worker/data/format/delimited.h"
#include "worker/data/line_reader.h"
#include "worker/data/row_parser.h"

namespace zhiyin::worker::data {
namespace {

bool IsEarlier(const Behaviour::Event& a, const Behaviour::Event& b) {
  return std::tie(a.time, a.row) < std::tie(b.time, b.row);
}

int NumberOf(std::string_view name, std::unordered_map<std::string, int>* numbers,
             std::vector<std::string>* names) {
  const auto [at, is_new] = numbers->emplace(name, static_cast<int>(names->size()));
  if (is_new) names->emplace_back(name);
  return at->second;
}

size_t PositionOf(const std::string& column, const std::vector<std::string>& names,
                  const std::string& file) {
  const auto at = std::find(names.begin(), names.end(), column);
  if (at == names.end())
    Fail(file, ": no column \"", column, "\" (data.behaviour)", Suggestion(column, names));
  return static_cast<size_t>(at - names.begin());
}

}  // namespace

std::shared_ptr<const Behaviour> Behaviour::Read(const Job& job) {
  const zhiyin::Behaviour& config = job.data().behaviour();
  std::shared_ptr<Behaviour> all(new Behaviour);
  all->joins_ = Joins::Read(job.data());
  all->history_length_ = static_cast<size_t>(config.history_length());
  for (const std::string& path : job.data().train().file()) all->ReadFile(job, path);
  all->HoldOut(config);
  all->AddJoined(config);
  all->counts_.resize(all->items_.size());
  for (const std::vector<Event>& own : all->events_) {
    for (const Event& event : own) ++all->counts_[static_cast<size_t>(event.item)];
    all->n_events_ += static_cast<int64_t>(own.size());
  }
  if (!config.has_negatives()) return all;
  for (const std::vector<Event>& own : all->events_) {
    std::vector<int>& items = all->items_of_.emplace_back();
    for (const Event& event : own) items.push_back(event.item);
    std::sort(items.begin(), items.end());
  }
  if (config.negatives().by() != zhiyin::Behaviour::Negatives::POPULARITY) return all;
  double sum = 0;
  for (const int64_t n : all->counts_)
    all->sums_.push_back(sum +=
                         n == 0 ? 0 : std::pow(static_cast<double>(n), config.negatives().power()));
  return all;
}

void Behaviour::ReadFile(const Job& job, const std::string& path) {
  const zhiyin::Behaviour& config = job.data().behaviour();
  const Text& text = job.data().text();
  std::vector<std::string> names(text.column_name().begin(), text.column_name().end());
  LineSplitter splitter(Dialect::Of(text));
  std::vector<std::string_view> values;
  LineReader reader(path);
  Line line;
  if (text.header()) {
    if (!reader.Next(&line)) Fail(path, ": is empty, expected a header");
    if (const std::string wrong = splitter.Split(line.text, &values); !wrong.empty())
      Fail(path, ":1: ", wrong);
    names.assign(values.begin(), values.end());
  }
  const size_t user = PositionOf(config.user(), names, path);
  const size_t item = PositionOf(config.item(), names, path);
  const size_t time = PositionOf(config.time(), names, path);
  const size_t event_column = config.event().empty() ? 0 : PositionOf(config.event(), names, path);
  while (reader.Next(&line)) {
    Event event;
    event.row = n_rows();
    const bool good = !line.too_long && splitter.Split(line.text, &values).empty() &&
                      values.size() == names.size() && !values[user].empty() &&
                      !values[item].empty() && ParseNumber(values[time], &event.time);
    user_of_row_.push_back(-1);
    time_of_row_.push_back(event.time);
    is_event_.push_back(false);
    if (!good) continue;
    if (values[item].find('|') != std::string_view::npos)
      Fail(path, ":", line.number, ": item \"", values[item],
           "\", expected one without |, which separates items of a history");
    const int number = NumberOf(values[user], &user_numbers_, &users_);
    event.item = NumberOf(values[item], &item_numbers_, &items_);
    user_of_row_.back() = number;
    events_.resize(users_.size());
    double happened = 1;
    if (!config.event().empty() && (!ParseNumber(values[event_column], &happened) || happened <= 0))
      continue;
    is_event_.back() = true;
    events_[static_cast<size_t>(number)].push_back(event);
  }
}

void Behaviour::HoldOut(const zhiyin::Behaviour& config) {
  for (std::vector<Event>& own : events_) std::sort(own.begin(), own.end(), IsEarlier);
  const size_t last = static_cast<size_t>(config.last());
  is_held_out_.resize(user_of_row_.size());
  for (size_t row = 0; row < user_of_row_.size(); ++row) {
    if (user_of_row_[row] < 0) continue;
    const std::vector<Event>& own = events_[static_cast<size_t>(user_of_row_[row])];
    switch (config.hold_out_case()) {
      case zhiyin::Behaviour::HOLD_OUT_NOT_SET:
        break;
      case zhiyin::Behaviour::kLast:
        is_held_out_[row] =
            own.size() > last &&
            !IsEarlier({0, time_of_row_[row], static_cast<int64_t>(row)}, own[own.size() - last]);
        break;
      case zhiyin::Behaviour::kFromTime:
        is_held_out_[row] = time_of_row_[row] >= config.from_time();
        break;
      case zhiyin::Behaviour::kShare:
        is_held_out_[row] =
            Random(config.seed(), static_cast<uint64_t>(row)).Uniform() < config.share();
        break;
    }
  }
  held_out_.resize(events_.size());
  for (size_t u = 0; u < events_.size(); ++u) {
    std::vector<Event> kept;
    for (const Event& event : events_[u])
      (IsHeldOut(event.row) ? held_out_[u] : kept).push_back(event);
    events_[u] = std::move(kept);
  }
}

void Behaviour::AddJoined(const zhiyin::Behaviour& config) {
  if (const JoinedFile* users = joins_->ByColumn(config.user())) {
    for (int i = 0; i < users->n_lines(); ++i) NumberOf(users->key(i), &user_numbers_, &users_);
    events_.resize(users_.size());
    held_out_.resize(users_.size());
  }
  item_content_ = joins_->ByColumn(config.item());
  if (const JoinedFile* items = item_content_) {
    for (int i = 0; i < items->n_lines(); ++i) {
      if (items->key(i).find('|') != std::string_view::npos)
        Fail("data.join: item \"", items->key(i),
             "\", expected one without |, which separates items of a history");
      NumberOf(items->key(i), &item_numbers_, &items_);
    }
  }
}

int Behaviour::DrawNegative(int64_t row, Random* random) const {
  const std::vector<int>& own =
      items_of_[static_cast<size_t>(user_of_row_[static_cast<size_t>(row)])];
  constexpr int kTrials = 100;
  for (int i = 0; i < kTrials; ++i) {
    int item = 0;
    if (sums_.empty()) {
      item = static_cast<int>(random->Below(items_.size()));
    } else {
      const auto at =
          std::upper_bound(sums_.begin(), sums_.end(), random->Uniform() * sums_.back());
      item = static_cast<int>(std::min(at, sums_.end() - 1) - sums_.begin());
    }
    if (!std::binary_search(own.begin(), own.end(), item)) return item;
  }
  return -1;
}

int Behaviour::FindUser(std::string_view name) const {
  const auto at = user_numbers_.find(std::string(name));
  return at == user_numbers_.end() ? -1 : at->second;
}

int Behaviour::FindItem(std::string_view name) const {
  const auto at = item_numbers_.find(std::string(name));
  return at == item_numbers_.end() ? -1 : at->second;
}

std::string Behaviour::History(std::span<const Event> before) const {
  std::string history;
  for (const Event& event : before.last(std::min(before.size(), history_length_))) {
    if (!history.empty()) history += '|';
    history += item(event.item);
  }
  return history;
}

std::string Behaviour::HistoryBefore(int64_t row) const {
  const int user = user_of_row_[static_cast<size_t>(row)];
  if (user < 0) return "";
  const std::span<const Event> own = events(user);
  const Event here = {0, time_of_row_[static_cast<size_t>(row)], row};
  const auto end = std::lower_bound(own.begin(), own.end(), here, IsEarlier);
  return History(own.first(static_cast<size_t>(end - own.begin())));
}

std::string Behaviour::HistoryOf(int user) const {
  return user < 0 ? "" : History(events(user));
}

std::string Behaviour::LogShareOf(std::string_view item) const {
  const int number = FindItem(item);
  const double n = number < 0 ? 0 : static_cast<double>(count(number));
  char text[32];
  std::snprintf(text, sizeof(text), "%.7g",
                std::log(std::max(n, 0.5) / std::max<double>(static_cast<double>(n_events_), 1)));
  return text;
}

}  // namespace zhiyin::worker::data
