#!/usr/bin/env python3
"""What the generator makes of small schemas, and what it refuses."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from generate import crc_of  # noqa: E402


def with_id(line):
    """'name fields = Type' -> the TL line with its id."""
    name, space, rest = line.partition(' ')
    return f'{name}#{crc_of(line):08x}{space}{rest};'


def generated(types, functions=(), core=(), broken=()):
    """(exit status, header, messages) for lines of api.tl and mtproto.tl."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [pathlib.Path(folder, n)
                 for n in ('m.tl', 'a.tl', 'layer', 's.h', 's.c')]
        lines = ['---types---', *map(with_id, core)]
        paths[0].write_text('\n'.join(lines) + '\n')
        lines = ['---types---', *map(with_id, types), *broken,
                 '---functions---', *map(with_id, functions)]
        paths[1].write_text('\n'.join(lines) + '\n')
        paths[2].write_text('7\n')
        run = subprocess.run(
            [sys.executable, str(HERE / 'generate.py'), *map(str, paths)],
            capture_output=True, text=True, check=False)
        header = paths[3].read_text() if run.returncode == 0 else ''
        return run.returncode, header, run.stderr


class Generate(unittest.TestCase):
    def test_numbers_and_fields_follow_the_lines(self):
        status, header, _ = generated(['a.b x:int y:long = A', 'c = C'])
        self.assertEqual(status, 0)
        self.assertIn('#define TL_LAYER 7\n', header)
        self.assertIn('#define TL_CTOR_COUNT 2\n', header)
        self.assertIn('\tTL_a_b = 0,\n\tTL_c = 1,\n', header)
        self.assertIn('\tTL_a_b_x = 0x100,\n\tTL_a_b_y = 0x101,\n', header)

    def test_clashes_have_their_answers(self):
        status, header, _ = generated(
            ['m = A', 'f = A', 'a x:int = A', 'a_x = A'], ['f z:int = A'],
            core=['m = M'])
        self.assertEqual(status, 0)
        self.assertIn('(today: mt_m)', header)
        self.assertIn('(today: f_fn)', header)
        self.assertIn('(today: a_x_field)', header)
        self.assertIn('\tTL_mt_m = 0,\n\tTL_m = 1,\n\tTL_f = 2,\n', header)
        self.assertIn('\tTL_f_fn = 5,\n', header)
        self.assertIn('\tTL_a_x_field = 0x400,\n', header)
        self.assertIn('\tTL_f_fn_z = 0x600,\n', header)

    def refused(self, word, *arguments, **more):
        status, _, messages = generated(*arguments, **more)
        self.assertNotEqual(status, 0)
        self.assertIn(word, messages)
        self.assertNotIn('Traceback', messages)

    def test_names_that_stay_equal_are_refused(self):
        self.refused('would be TL_a_b', ['a.b = A', 'a_b = B'])

    def test_wrong_id_is_refused(self):
        self.refused('CRC32', [], broken=['a#00000001 = A;'])

    def test_line_that_is_none_is_refused(self):
        self.refused('not a TL line', [], broken=['hello'])

    def test_unknown_type_is_refused(self):
        self.refused('unknown type', ['a x:Nothing = A'])

    def test_bare_type_with_two_constructors_is_refused(self):
        self.refused('constructors', ['a = A', 'b = A', 'c x:%A = C'])

    def test_flag_before_its_word_is_refused(self):
        self.refused('bad flag', ['a x:flags.0?int flags:# = A'])
        self.refused('bad flag', ['a flags:# x:flags.32?int = A'])
        self.refused('bad flag', ['a flags:int x:flags.0?int = A'])
        self.refused('bad flag', ['a x:flags.0?int = A'])

    def test_true_flags_are_no_part_of_the_id(self):
        self.assertEqual(crc_of('a flags:# t:flags.0?true = A'),
                         crc_of('a flags:# = A'))


if __name__ == '__main__':
    unittest.main()
