// The files of --users and --items: who is asked for, and what may be recommended.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/behaviour.h"
#include "worker/recommend/recommender.h"

namespace zhiyin::launch::apps {

/// Takes a line for the user about something that the command does not end for.
using Note = std::function<void(const std::string&)>;

/// Reads the users of a file, in its order. It has a user a line, written as TsvCell does; or it is
/// a table in the format of the job's data.text, whose first line names its columns, among them
/// that of data.behaviour.user, and the others say what is known of each user (AskedUser::known, or
/// AskedUser::history for the column `history`; an empty value says nothing). Lines that are
/// malformed, or name a user that the Behaviour does not have and of whom nothing is known, are
/// left out, and columns that Recommender::TakesOfUser refuses are ignored; `note` is called with
/// the first of them, and with their number. Throws Error where the file cannot be read, or no line
/// is left.
std::vector<worker::recommend::AskedUser> ReadUsers(
    const std::string& path, const Job& job, const worker::recommend::Recommender& recommender,
    const Note& note);

/// Reads the items of a file, one a line, written as TsvCell does. Leaves out and notes those that
/// the Behaviour does not have, and throws, as ReadUsers does.
std::vector<int> ReadItems(const std::string& path, const Job& job,
                           const worker::data::Behaviour& behaviour, const Note& note);

/// Notes how many of the users have an empty list, which in a table has no line, and the first of
/// them. REQUIRES: there is a list for each user.
void NoteEmptyLists(const std::vector<worker::recommend::AskedUser>& users,
                    const std::vector<std::vector<worker::recommend::Recommended>>& lists,
                    const Note& note);

}  // namespace zhiyin::launch::apps
