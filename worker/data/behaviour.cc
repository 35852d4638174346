#include "worker/data/behaviour.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <tuple>

#include "common/error.h"
#include "common/random.h"
#include "common/text.h"
#include "worker/data/delimited.h"
#include "worker/data/line_reader.h"
#include "worker/data/row_parser.h"

namespace zhiyin::worker {
namespace {

bool IsEarlier(const Behaviour::Event& a, const Behaviour::Event& b) {
  return std::tie(a.time, a.row) < std::tie(b.time, b.row);
}

int NumberOf(std::string_view name, std::unordered_map<std::string, int>* numbers, std::vector<std::string>* names) {
  const auto [at, is_new] = numbers->emplace(name, static_cast<int>(names->size()));
  if (is_new) names->emplace_back(name);
  return at->second;
}

size_t PositionOf(const std::string& column, const std::vector<std::string>& names, const std::string& file) {
  const auto at = std::find(names.begin(), names.end(), column);
  if (at == names.end()) Fail(file, ": no column \"", column, "\" (data.behaviour)", Suggestion(column, names));
  return static_cast<size_t>(at - names.begin());
}

}  // namespace

std::shared_ptr<const Behaviour> Behaviour::Read(const Job& job) {
  const zhiyin::Behaviour& config = job.data().behaviour();
  const Text& text = job.data().text();
  std::shared_ptr<Behaviour> all(new Behaviour);
  all->history_length_ = static_cast<size_t>(config.history_length());
  std::vector<std::string> names(text.column_name().begin(), text.column_name().end());
  LineSplitter splitter(Dialect::Of(text));
  std::vector<std::string_view> values;
  for (const std::string& path : job.data().train().file()) {
    LineReader reader(path);
    Line line;
    if (text.header()) {
      if (!reader.Next(&line)) Fail(path, ": is empty, expected a header");
      if (const std::string wrong = splitter.Split(line.text, &values); !wrong.empty()) Fail(path, ":1: ", wrong);
      names.assign(values.begin(), values.end());
    }
    const size_t user = PositionOf(config.user(), names, path);
    const size_t item = PositionOf(config.item(), names, path);
    const size_t time = PositionOf(config.time(), names, path);
    while (reader.Next(&line)) {
      Event event;
      event.row = static_cast<int64_t>(all->user_of_row_.size());
      const bool good = !line.too_long && splitter.Split(line.text, &values).empty() && values.size() == names.size() &&
                        !values[user].empty() && !values[item].empty() && ParseNumber(values[time], &event.time);
      all->user_of_row_.push_back(-1);
      all->time_of_row_.push_back(event.time);
      if (!good) continue;
      if (values[item].find('|') != std::string_view::npos)
        Fail(path, ":", line.number, ": item \"", values[item], "\", expected one without |, which separates items of a history");
      const int number = NumberOf(values[user], &all->user_numbers_, &all->users_);
      event.item = NumberOf(values[item], &all->item_numbers_, &all->items_);
      all->user_of_row_.back() = number;
      all->events_.resize(all->users_.size());
      all->events_[static_cast<size_t>(number)].push_back(event);
    }
  }
  for (std::vector<Event>& own : all->events_) std::sort(own.begin(), own.end(), IsEarlier);
  all->HoldOut(config);
  all->counts_.resize(all->items_.size());
  for (const std::vector<Event>& own : all->events_) {
    for (const Event& event : own) ++all->counts_[static_cast<size_t>(event.item)];
    all->n_events_ += static_cast<int64_t>(own.size());
  }
  return all;
}

void Behaviour::HoldOut(const zhiyin::Behaviour& config) {
  is_held_out_.resize(user_of_row_.size());
  held_out_.resize(events_.size());
  for (size_t u = 0; u < events_.size(); ++u) {
    std::vector<Event> kept;
    const size_t n = events_[u].size();
    for (size_t k = 0; k < n; ++k) {
      const Event& event = events_[u][k];
      bool out = false;
      switch (config.hold_out_case()) {
        case zhiyin::Behaviour::HOLD_OUT_NOT_SET:
          break;
        case zhiyin::Behaviour::kLast:
          out = n > static_cast<size_t>(config.last()) && k + static_cast<size_t>(config.last()) >= n;
          break;
        case zhiyin::Behaviour::kFromTime:
          out = event.time >= config.from_time();
          break;
        case zhiyin::Behaviour::kShare:
          out = Random(config.seed(), static_cast<uint64_t>(event.row)).Uniform() < config.share();
          break;
      }
      is_held_out_[static_cast<size_t>(event.row)] = out;
      (out ? held_out_[u] : kept).push_back(event);
    }
    events_[u] = std::move(kept);
  }
}

int Behaviour::FindUser(std::string_view name) const {
  const auto at = user_numbers_.find(std::string(name));
  return at == user_numbers_.end() ? -1 : at->second;
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
  const auto at = item_numbers_.find(std::string(item));
  const double n = at == item_numbers_.end() ? 0 : static_cast<double>(counts_[static_cast<size_t>(at->second)]);
  char text[32];
  std::snprintf(text, sizeof(text), "%.7g", std::log(std::max(n, 0.5) / std::max<double>(static_cast<double>(n_events_), 1)));
  return text;
}

}  // namespace zhiyin::worker
