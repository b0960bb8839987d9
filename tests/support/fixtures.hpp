// What tests share: an Environment on the test's own thread, and a way to run a coroutine to its end.
#pragma once
