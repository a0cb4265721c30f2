#include "media/splice.h"

#include <errno.h>
#include <math.h>

#include "tests/check.h"

static void test_splice_shortens_a_vowel_by_whole_periods(void)
{
	int16_t pcm[480], whole[480];
	double worst = 0;
	size_t cut;

	for (size_t i = 0; i < 480; i++)
		whole[i] = (int16_t)(8000 * sin(6.2831853 * (double)i / 50));
	memcpy(pcm, whole, sizeof(pcm));
	cut = splice_shorten(pcm, 480, 80, 8000);
	CHECK_INT(cut, 50);
	for (size_t i = 0; i < 480 - cut; i++)
		worst = fmax(worst, fabs((double)pcm[i] - whole[i]));
	CHECK(worst < 40);
}

static void test_splice_removes_all_it_may_from_quiet(void)
{
	int16_t pcm[160] = {0};

	CHECK(splice_is_quiet(pcm, 160));
	CHECK_INT(splice_shorten(pcm, 160, 80, 8000), 80);
	CHECK_INT(splice_shorten(pcm, 160, 160, 8000), 120);
	CHECK_INT(splice_shorten(pcm, 160, 10, 8000), 0);
	CHECK_INT(splice_shorten(pcm, 40, 40, 8000), 0);
	pcm[3] = 30000;
	CHECK(!splice_is_quiet(pcm, 160));
}

static void test_conceal_continues_a_vowel_and_fades(void)
{
	struct conceal c;
	int16_t pcm[800], good[400];
	double error = 0, power = 0;

	for (size_t i = 0; i < 400; i++)
		good[i] = (int16_t)(8000 * sin(6.2831853 * (double)i / 57));
	CHECK_INT(conceal_init(&c, 44100), -EINVAL);
	CHECK_INT(conceal_init(&c, 8000), 0);
	conceal_good(&c, good, 400);
	conceal_missing(&c, pcm, 80);
	conceal_missing(&c, pcm + 80, 720);
	for (size_t i = 0; i < 80; i++) {
		double want = 8000 * sin(6.2831853 * (double)(i + 400) / 57);

		error += (pcm[i] - want) * (pcm[i] - want);
		power += want * want;
	}
	CHECK(error < power / 10);
	for (size_t i = 600; i < 800; i++)
		CHECK_INT(pcm[i], 0);
	/* back from concealment without a step */
	conceal_good(&c, good, 160);
	CHECK_INT(good[0], 0);
	conceal_clear(&c);
}

int main(void)
{
	RUN(test_splice_shortens_a_vowel_by_whole_periods);
	RUN(test_splice_removes_all_it_may_from_quiet);
	RUN(test_conceal_continues_a_vowel_and_fades);
	return check_done();
}
